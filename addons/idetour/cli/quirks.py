"""`idetour quirks`: what targets were found not to take, and how to forget it."""

import json
import time
from typing import Any

import click

from idetour.cli.group import Group, its_port

PATH = "/admin/api/quirks"


@click.group(cls=Group, short_help="What targets were found not to take, and is no longer sent.")
def quirks() -> None:
    """An upstream that refuses a field of a request is asked again without it, and never gets it again.

    `list` shows what was learned so, with the line of a profile that says the same for good.
    """


@quirks.command("list", short_help="What was learned, of which target, from which words.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@its_port
def listing(as_json: bool, port: int) -> None:
    """Show what was learned, whether idetour runs or not: what is done, since when, how often, and why."""
    found = told(port, "GET")["quirks"]
    if as_json:
        return click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    show(found)


@quirks.command(short_help="Forget what was learned, so that it is tried again.")
@click.argument("target")
@click.argument("field", required=False)
@its_port
def forget(target: str, field: str | None, port: int) -> None:
    """Forget what was learned of TARGET (`upstream/model-id`, or an upstream with all its models), or of one FIELD."""
    gone = told(port, "DELETE", target, field)["forgotten"]
    for each in gone:
        click.echo(f"Forgotten of {each['target']}: {each['what']}")
    if not gone:
        click.echo(
            f"Nothing was learned of {field} at {target}." if field else f"Nothing was learned of {target}."
        )


def told(port: int, method: str, target: str = "", field: str | None = None) -> Any:
    """What the idetour on this port answers; where none runs, the file that it would read."""
    from idetour.cli.running import asked, is_idetour

    if is_idetour(f"http://127.0.0.1:{port}"):
        return asked(port, method, PATH, {"target": target, "field": field} if target else None)
    return from_file(target, field)


def from_file(target: str, field: str | None) -> dict[str, list[dict[str, Any]]]:
    """The same from this home's file; with a `target` after it was forgotten there."""
    from idetour.endpoints.serve import LEARNED
    from idetour.gateway.quirks import Quirks
    from idetour.home import home

    path = home() / "state" / LEARNED
    known = Quirks(path if path.exists() else None)
    try:
        gone = known.forget(target, field) if target else []
        return {"forgotten": [row.told() for row in gone], "quirks": [row.told() for row in known.rows()]}
    finally:
        known.close()


def show(found: list[dict[str, Any]]) -> None:
    from idetour.cli.screen import console, table

    if not found:
        console.print("No target has refused anything yet.")
        return
    table(
        ("target", "what", "since", "times", "because it said"),
        (
            (each["target"], each["what"], day(each["since"]), f"{each['hits']:,}", each["why"])
            for each in found
        ),
    )
    lines = dict.fromkeys(each["profile"] for each in found if each["profile"])
    if lines:
        console.print("\nIn a profile, for good:")
    for line in lines:
        console.print(f"  {line}")


def day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds))
