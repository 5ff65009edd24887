"""`idetour status`: how each target fares, which weights are not the profile's, and the latest requests."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from idetour.cli.group import Group, its_port
from idetour.cli.running import asked, check, owning
from idetour.errors import SetupError

if TYPE_CHECKING:
    pass

SECONDS = 2.0  # between two looks while nothing happens
LEAST_SECONDS = 0.3  # and while much does
LATEST = 10  # requests that are shown


@click.group(
    cls=Group, invoke_without_command=True, short_help="How each target fares, and the latest requests."
)
@click.option("--watch", is_flag=True, help="Look again whenever something happens, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@its_port
@click.pass_context
def status(context: click.Context, watch: bool, as_json: bool, port: int) -> None:
    """Show how each target that was asked fares in the idetour on this port, and its latest requests.

    A target is healthy, cooling or broken (until when, and why). `pace` is how many
    requests may still go in this minute, `first byte` the median of the last 20 answers.
    """
    from idetour.cli.screen import console

    context.obj = port
    if context.invoked_subcommand:
        return
    with suppress(KeyboardInterrupt):
        for _ in changes(port) if watch else (None,):
            said = asked(port, "GET", "/admin/api/status")
            if as_json:
                click.echo(json.dumps(said, ensure_ascii=False, indent=None if watch else 2))
            else:
                if watch:
                    console.clear()
                show(said)


@status.command(short_help="Forget what is held against a target, so that it is asked again.")
@click.argument("target")
@click.option("-p", "--port", "own", type=click.IntRange(1, 65535), help="The same as before `clear`.")
@click.pass_obj
def clear(port: int, target: str, own: int | None) -> None:
    """Forget cooldowns and failures of TARGET (`upstream/model-id`, or an upstream with all its models)."""
    cleared = asked(own or port, "POST", "/admin/api/clear", {"target": target})["cleared"]
    for each in cleared:
        click.echo(f"{each}: nothing is held against it any more")
    if not cleared:
        click.echo(f"Nothing was held against {target}: it has not been asked since the start.")


@status.command(short_help="A link that lets a browser into the dashboard, once.")
@click.option("-p", "--port", "own", type=click.IntRange(1, 65535), help="The same as before `link`.")
@click.pass_obj
def link(port: int, own: int | None) -> None:
    """Print a link to the dashboard. It works once; the browser then stays in for as long as it is used."""
    click.echo(asked(own or port, "POST", "/admin/api/link", {})["url"])


def changes(port: int) -> Iterator[None]:
    """At once, then whenever something happens, and every two seconds: times count down. Raises SetupError."""
    import httpx2

    from idetour.endpoints.admin import EVENTS

    last, drawn = "", 0.0
    yield
    with owning(port) as client:
        while True:
            headers = {"last-event-id": last} if last else {}
            patience = httpx2.Timeout(10, read=SECONDS)
            try:
                with client.stream("GET", EVENTS, headers=headers, timeout=patience) as answer:
                    check(answer, port)
                    for line in answer.iter_lines():
                        last = line[4:] if line.startswith("id: ") else last
                        if line.startswith("data: ") and time.monotonic() - drawn > LEAST_SECONDS:
                            yield
                            drawn = time.monotonic()
            except httpx2.ReadTimeout:
                yield
            except httpx2.HTTPError as error:
                raise SetupError(f"The idetour on port {port} does not answer any more: {error}") from error


def show(said: dict[str, Any]) -> None:
    from idetour.cli.screen import console, rows, table, warn

    console.print(f"idetour {said['version']}  profile {said['profile']['name']}", style="bold")
    if said["profile"]["problem"]:
        warn([f"the profile on disk is not in use: {said['profile']['problem']}"])
    if said["targets"]:
        table(
            ("target", "key", "state", "in flight", "pace", "first byte", "why"), map(fares, said["targets"])
        )
    else:
        console.print("No target has been asked yet.")
    rows([("weights", text) for text in weighing(said["weights"])], indent=0)
    if said["recent"]:
        console.print()
        headings = ("at", "asked for", "answered by", "tries", "outcome", "tokens", "first byte", "total")
        table(headings, map(went, said["recent"][:LATEST]))


def fares(target: dict[str, Any]) -> Iterator[str]:
    """A target as a line of the table."""
    from idetour.cli.screen import duration

    limit = f" of {target['limit']}" if target["limit"] is not None else ""
    yield target["target"]
    yield target["key"]
    yield target["state"] + (f" {duration(target['left'])}" if target["left"] is not None else "")
    yield f"{target['in_flight']}{limit}"
    yield "–" if target["pace"] is None else str(target["pace"])
    yield duration(target["first_byte"])
    yield target["why"]


def went(request: dict[str, Any]) -> Iterable[str]:
    """A request as a line of the table."""
    from idetour.cli.screen import duration

    tokens = request["tokens"]
    outcome = request["outcome"]
    return (
        time.strftime("%H:%M:%S", time.localtime(request["began"])),
        request["asked"],
        request["target"] or ("–" if outcome == "running" else "nobody"),
        str(len(request["attempts"])),
        f"{outcome} {request['status']}" if outcome in ("failed", "broken") else outcome,
        f"{tokens['prompt']:,} in, {tokens['completion']:,} out" if tokens else "–",
        duration(request["first_token"]),
        duration(request["total"]),
    )


def weighing(differing: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Weights that were set while it ran: a line for each route, and for each rule of it that has one of its own."""
    for route, said in differing.items():
        alike = {name: each for name, each in said.items() if isinstance(each.get("now"), int | float)}
        rules = {f"{route}, rule {key}": each for key, each in said.items() if key not in alike}
        for place, names in (({route: alike} if alike else {}) | rules).items():
            parts = ", ".join(f"{name} {each['was']:g} → {each['now']:g}" for name, each in names.items())
            yield f"{place} differs from the profile: {parts}"
