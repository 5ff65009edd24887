"""The models that may be asked for, where they lead, what is known of their targets; and a question to one of them."""

from typing import Any

import msgspec

from idetour.endpoints.admin.owner import Admin, told, wish
from idetour.endpoints.asgi import Exchange
from idetour.gateway.record import Record
from idetour.profile import Profile, Target, Upstream
from idetour.routes.asked import Asked
from idetour.routes.plan import leads, offered, ready
from idetour.usage.prices import Prices
from idetour.wire import chat

TEXT = "Say hello in one short sentence."
OURSELVES = "idetour"


class Test(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    text: str = TEXT


async def models(admin: Admin, exchange: Exchange) -> None:
    profile, listed = admin.weights.profile, admin.pipeline.listed
    names = offered(profile, listed)
    found = {
        name: [target] if (target := names[name]) else [*dict.fromkeys(leads(profile, name))]
        for name in names
    }
    targets = dict.fromkeys(target for each in found.values() for target in each)
    said = {
        "models": [
            {
                "name": name,
                "kind": kind(profile, name),
                "targets": [*map(str, found[name])],
                "ready": ready(profile, name),
            }
            for name in names
        ],
        "routes": {name: [*map(rule, rules)] for name, rules in profile.routes.items()},
        "off": sorted(map(str, profile.off)),
        "targets": {str(each): about(profile, each, admin.pipeline.chronicle.prices) for each in targets},
    }
    await told(exchange, said)


def kind(profile: Profile, name: str) -> str:
    return "route" if name in profile.routes else "model" if name in profile.models else "target"


def rule(said: Any) -> dict[str, Any]:
    return {"when": said.when, "use": said.use, "else": said.otherwise}


def about(profile: Profile, target: Target, prices: Prices) -> dict[str, Any]:
    upstream, known = profile.upstreams[target.upstream], profile.known(target)
    return {
        "title": known.title if known else target.model,
        "upstream": upstream.title,
        "ready": upstream.ready,
        "key": shown_keys(upstream),
        "context": known.context if known else None,
        "output": known.output if known else None,
        "images": known.images if known else None,
        "retired": known.retired if known else None,
        "price": prices.known.get(str(target)),
    }


def shown_keys(upstream: Upstream) -> str | None:
    """The ends of its keys; None where there is none."""
    return ", ".join([*map(str, upstream.keys), *(each.mark for each in upstream.accounts)]) or None


async def test(admin: Admin, exchange: Exchange) -> None:
    """Ask a model something; the answer streams as from Chat Completions."""
    wanted = await wish(exchange, Test, '{"model": "any name", "text": "…"}')
    said = {
        "model": wanted.model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": wanted.text}],
    }
    await sent(admin, exchange, chat.read(msgspec.json.encode(said)))


async def sent(admin: Admin, exchange: Exchange, request: chat.ChatRequest) -> None:
    """Have the pipeline answer it to who asked here."""
    record = Record(asked=request.model, door="direct")
    asked = Asked(request=request, path="/v1/chat/completions", headers={"user-agent": OURSELVES})
    async with exchange.attended():
        await admin.pipeline.chat(
            admin.weights.profile, request, exchange, key=None, record=record, asked=asked
        )
