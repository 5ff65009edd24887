"""`idetour route explain`: which rule a request meets and why, without sending it anywhere."""

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from idetour.cli.group import Group

if TYPE_CHECKING:
    from idetour.profile import Profile, Rule, Target
    from idetour.routes.asked import Asked
    from idetour.routes.plan import Candidate
    from idetour.routes.router import Router
    from idetour.wire.chat import ChatRequest

YES, NO = "✓", "✗"


@click.group(cls=Group, short_help="Show how requests find their model.")
def route() -> None:
    """How requests find their model."""


@route.command(short_help="Show which rule a request meets, and why.")
@click.argument("words", metavar="[PROFILE] TEXT", nargs=-1)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A whole request, as JSON, instead of TEXT.",
)
@click.option(
    "-m", "--model", help="The name that is asked for; without one the request's, or the first route."
)
def explain(words: tuple[str, ...], file: Path | None, model: str | None) -> None:
    """Show each rule with each of its words, whether it holds and why, and who would be asked.

    TEXT is what a user types. Nothing is sent, but to the embeddings model of
    the profile, if it has one.
    """
    import asyncio

    from idetour.accounts.pool import read
    from idetour.profile.read import find
    from idetour.routes.asked import Asked

    names, texts = (words, ()) if file else (words[:-1], words[-1:])
    if len(names) > 1 or not (texts or file):
        raise click.UsageError("give TEXT or --file, and before it PROFILE, if it is not the default")
    profile = read(find(names[0] if names else None))
    asked = Asked(request=request(profile, file.read_bytes() if file else texts[0], model))
    asyncio.run(explained(profile, asked))


def request(profile: "Profile", said: bytes | str, model: str | None) -> "ChatRequest":
    """The request that a file holds, or the one that an IDE makes of a text. Raises BadRequest."""
    from idetour.routes.offer import first_choice
    from idetour.wire import chat

    if isinstance(said, str):
        said = json.dumps({"messages": [{"role": "user", "content": said}]}).encode()
    read = chat.read(said, default=model or next(iter(profile.routes), None) or first_choice(profile))
    return replace(read, model=model) if model else read


async def explained(profile: "Profile", asked: "Asked") -> None:
    """Decide as the gateway does, and say how."""
    from idetour.cli.screen import console, rows
    from idetour.errors import NotFound
    from idetour.gateway.embeddings import embed
    from idetour.gateway.tries import foreseen
    from idetour.routes.plan import route_of
    from idetour.routes.router import Router
    from idetour.upstreams import Transports
    from idetour.upstreams.transport import Pool

    pool = Pool()
    router = Router(partial(embed, Transports(pool)))
    try:
        name = route_of(profile, asked.request.model)
        rules = profile.routes[name] if name else ()
        await ready(router, profile, rules)
        began = time.perf_counter()
        planned, refused = None, ""
        try:
            planned = await router.plan(profile, asked)
        except NotFound as error:
            refused = error.message
        took = (time.perf_counter() - began) * 1000
        rows([("asked for", asked.request.model), *described(asked)], indent=0)
        for place, rule in enumerate(rules):
            console.print()
            await show(rule, place + 1, asked, router=router, profile=profile)
        console.print()
        rows([("decided", f"{planned.why if planned else refused} ({took:.1f} ms)")], indent=0)
        if planned:
            met = rules[await router.rule(profile, name, asked)] if name else None
            candidates(foreseen(planned, asked), shares(profile, met))
    finally:
        await pool.close()


async def ready(router: "Router", profile: "Profile", rules: "tuple[Rule, ...]") -> None:
    """Let the methods that compare meanings learn the examples first: in the gateway they have done so long ago."""
    from idetour.cli.screen import warn
    from idetour.routes.guess import Declined
    from idetour.routes.meaning import Meaning

    asked = [labels for rule in rules if (labels := (rule.when or {}).get("about"))]
    for labels in asked:
        for method in router.methods(profile):
            if isinstance(method, Meaning):
                try:
                    await method.ready({label: each for label, each in labels.items() if each})
                except Declined as error:
                    warn([f"{method.method} cannot help: {error}"])


def described(asked: "Asked") -> list[tuple[str, str]]:
    """What the rules see of the request."""
    from idetour.routes.kind import kind

    said = " ".join(asked.text.split())
    return [
        ("user says", said if len(said) <= 70 else f"{said[:69]}…"),
        ("turn", "follows the user's" if asked.follows else "the user's"),
        ("session", f"{asked.session.key[:8]}… by {asked.session.origin}"),
        ("tokens", f"about {asked.tokens:,}"),
        ("kind", kind(asked)),
    ]


async def show(rule: "Rule", number: int, asked: "Asked", *, router: "Router", profile: "Profile") -> None:
    """A rule and each of its words, also those that the gateway need not look at."""
    from idetour.cli.screen import console, rows
    from idetour.routes.words import judged

    verdicts = [each async for each in judged(rule.when or {}, asked, router.methods(profile))]
    holds = all(verdict.holds for _, verdict in verdicts)
    console.print(f"{YES if holds else NO} rule {number}: {', '.join(rule.use)}", style="bold")
    lines = [(f"{YES if verdict.holds else NO} {word}", verdict.why) for word, verdict in verdicts]
    rows(lines or [(f"{YES} always", "it has no `when`")])


def shares(profile: "Profile", rule: "Rule | None") -> "dict[Target, str]":
    """How often each target of a rule is asked first; all else is asked when that fails."""
    from idetour.routes.plan import named

    use = rule.use if rule else {}
    parts = {name: f"{weight / sum(use.values()):.0%}" for name, weight in use.items()}
    return {found.target: part for name, part in parts.items() if (found := named(profile, name))}


def candidates(found: Iterable["Candidate"], shares: "dict[Target, str]") -> None:
    """Who would be asked, in order."""
    from idetour.cli.screen import table
    from idetour.routes.offer import state

    table(
        ("", "asked first", "target", "key"),
        (
            (
                f"{place}.",
                shares.get(each.target, "else" if shares else ""),
                str(each.target),
                state(each.upstream),
            )
            for place, each in enumerate(found, 1)
        ),
    )
