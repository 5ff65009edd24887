"""Every path that is served: what answers there by which method, and who may ask."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from idetour.endpoints import (
    admin,
    auth,
    chat,
    dashboard,
    deployment,
    embeddings,
    health,
    messages,
    models,
    openapi,
    pac,
    seeds,
)
from idetour.endpoints.entry import Visit
from idetour.endpoints.recorder import RECORD
from idetour.endpoints.responses import KEPT, RESPONSES
from idetour.errors import BadRequest, NotAllowed

CHAT, MODELS = "/v1/chat/completions", "/v1/models"
VERSIONS = re.compile(r"^(?:/v1)+(?=/|$)")
BARE = re.compile(
    r"/(?:chat/completions|embeddings|models|responses|messages(?:/count_tokens)?)|/(?:models|responses)/.+"
)

type Answer = Callable[[Visit], Awaitable[None]]
type Who = Literal["anybody", "clients", "owner"]


@dataclass(frozen=True, slots=True)
class Place:
    """`answers` by method. Where `anybody` may look, to ask a model takes a key all the same.

    `direct`: served by our own name alone, not as an intercepted host.
    """

    answers: Mapping[str, Answer]
    who: Who = "clients"
    direct: bool = False

    def open(self, method: str) -> bool:
        """Whether no key is asked for."""
        return self.who == "anybody" and not (method == "POST" and method in self.answers)

    async def answer(self, visit: Visit) -> None:
        """Raises NotAllowed, and whatever what answers raises."""
        method = visit.exchange.method
        if method not in self.answers:
            raise NotAllowed(
                f"{visit.exchange.path} takes {' and '.join(self.answers)}, not {method}.",
                headers={"allow": ", ".join(self.answers)},
            )
        await self.answers[method](visit)


def tidy(path: str) -> str:
    """The path as we know it: people paste URLs with `/v1` missing or doubled, and with a slash at the end.

    `/api/v1` is where OpenRouter has it, `/compatible-mode/v1` where DashScope has it; Azure's has the model in it.
    """
    path = re.sub(r"^(?:/anthropic)+(?=/)", "/anthropic", path)  # once, however often it stands there
    if path.startswith("/anthropic/"):  # where many vendors have Anthropic's protocol
        inner = tidy(path.removeprefix("/anthropic"))
        return f"/anthropic{inner}" if inner.startswith(MODELS) else inner
    path = re.sub(r"^/(?:api|compatible-mode|openai)(?=/v1)|^/openai(?=/models)", "", deployment.plain(path))
    path = VERSIONS.sub("/v1", re.sub(r"/{2,}", "/", path)).rstrip("/") or "/"
    # An endpoint that was given as base URL.
    path = re.sub(r"^/v1/chat/completions(?=/chat/completions$|/models$)", "/v1", path)
    path = re.sub(r"^/v1/messages/v1(?=/messages|/models)", "/v1", path)
    return f"/v1{path}" if BARE.fullmatch(path) else path


def find(path: str, host: str | None = None) -> Place | None:
    """What is served at a tidy path, to those who ask us by name or as an intercepted `host`."""
    inside = (place for pattern, place in INSIDE if pattern.fullmatch(path))
    found = PLACES.get(path) or next(inside, None)
    return None if found is None or (found.direct and host) else found


def asked(answer: Answer) -> Answer:
    """A request to a model, which a recording may watch."""

    async def watched(visit: Visit) -> None:
        recorder = visit.app.recorder
        with recorder.watching(visit.exchange, visit.door, path=visit.path, profile=visit.profile):
            await answer(visit)

    return watched


def looked(answer: Answer) -> Mapping[str, Answer]:
    return {"GET": answer, "HEAD": answer}


def owned(answer: admin.Answerer) -> Answer:
    return lambda visit: answer(visit.app.admin, visit.exchange)


async def listing(visit: Visit) -> None:
    """All models, or one, in the shape of who asks."""
    exchange, door, profile, listed = visit.exchange, visit.door, visit.profile, visit.pipeline.listed
    name = visit.path.removeprefix("/anthropic").removeprefix(MODELS)[1:]
    if messages.meant(visit.path, exchange.headers):
        say = messages.one(profile, listed, name) if name else messages.listing(profile, listed)
        await exchange.answer(200, say)
    elif name:
        await exchange.answer(200, models.one(profile, listed, name, door.host))
    else:
        await exchange.answer(200, models.listing(profile, listed, door.host))


async def greeting(visit: Visit) -> None:
    """How idetour is: a page for people, JSON for programs."""
    exchange, watched, listed = visit.exchange, visit.app.watched, visit.pipeline.listed
    if visit.path == "/" and "text/html" in exchange.headers.get("accept", ""):
        body = health.page(watched.current, listed, watched.problem, exchange.headers.get("host", ""))
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": openapi.CSP}
        return await exchange.answer(200, body, headers)
    private = visit.app.handshakes if visit.door.local else None
    report = health.report(watched.current, listed, watched.problem, private)
    await exchange.answer(200, report)


async def configuration(visit: Visit) -> None:
    """The proxy's auto-configuration. Raises BadRequest where it is not said by what name we were reached."""
    if not (host := visit.exchange.headers.get("host")):
        raise BadRequest("Say in `Host` at which address you ask: the proxy is there, too.")
    file = pac.script(visit.profile.hosts, host)
    await visit.exchange.answer(200, file, {"content-type": pac.TYPE})


async def login(visit: Visit) -> None:
    await visit.exchange.start(302, {"location": auth.FILE, "content-length": "0"})
    await visit.exchange.end()


PLACES: Mapping[str, Place] = {
    CHAT: Place({"POST": asked(chat.post)}),
    RESPONSES: Place({"POST": asked(lambda visit: visit.app.responses.post(visit))}),
    messages.PATH: Place({"POST": asked(messages.post)}),
    messages.COUNT: Place({"POST": asked(messages.count)}),
    embeddings.PATH: Place({"POST": asked(embeddings.post)}),
    "/api/chat": Place({"POST": asked(seeds.chat)}),
    "/api/claude": Place({"POST": asked(seeds.claude)}),
    MODELS: Place(looked(listing)),
    messages.MODELS: Place(looked(listing)),
    "/": Place({**looked(greeting), "POST": asked(chat.post)}, "anybody"),
    "/health": Place(looked(greeting), "anybody"),
    "/proxy.pac": Place(looked(configuration), "anybody"),
    openapi.PATH: Place(looked(openapi.schema), "anybody", direct=True),
    openapi.PAGE: Place(looked(openapi.page), "anybody", direct=True),
    auth.PAGE: Place(looked(login), "anybody", direct=True),
    dashboard.ADMIN: Place(looked(dashboard.page), "anybody", direct=True),
    **{
        path: Place({method: owned(answer) for method, answer in answers.items()}, "owner", direct=True)
        for path, answers in admin.TABLE.items()
    },
    RECORD: Place({"POST": lambda visit: visit.app.recorder.stream(visit.exchange)}, "owner", direct=True),
}
METHODS = {path: tuple(place.answers) for path, place in PLACES.items()}
# Paths with a name or an id in them.
INSIDE: tuple[tuple[re.Pattern[str], Place], ...] = (
    (re.compile(rf"(?:{messages.MODELS}|{MODELS})/.+", re.DOTALL), PLACES[MODELS]),
    (KEPT, Place(dict.fromkeys(("GET", "HEAD", "DELETE"), lambda visit: visit.app.responses.one(visit)))),
    (dashboard.INSIDE, PLACES[dashboard.ADMIN]),
    *((re.compile(path.replace("{id}", "[^/]+")), place) for path, place in PLACES.items() if "{id}" in path),
)
