"""`idetour doctor`: which hop between the IDE and the model is broken, and what to do."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from idetour.cli.group import its_port

if TYPE_CHECKING:
    from idetour.doctor import Ide, Seen

STYLES = {"ok": "green", "note": "yellow", "broken": "bold red", "skipped": "dim"}
OPEN = "The road is open."


@click.command(short_help="Which hop between the IDE and the model is broken, and what to do.")
@click.argument("profile", required=False)
@its_port
@click.option(
    "--ide", "ide_name", metavar="NAME", help="Whose trust counts: trae, vscode, cursor, jetbrains …"
)
@click.option("-m", "--model", help="Try this name, with a tool call too; it may cost some tokens.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Until an answer has to begin.",
)
@click.option("--offline", is_flag=True, help="Do not ask the upstreams by themselves.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--lines", "as_lines", is_flag=True, help="For programs that show it live: JSON, a line for each."
)
def doctor(
    profile: str | None,
    port: int,
    ide_name: str | None,
    model: str | None,
    patience: float,
    offline: bool,
    as_json: bool,
    as_lines: bool,
) -> None:
    """Try every hop of the road, live, in the order in which a request travels, and name the first that is broken.

    Without PROFILE it is the one of the running idetour, else `default`.
    Nothing on this machine is changed. The exit code is 1 where a hop is broken.
    """
    from idetour.doctor import HOPS, Road, first_broken, walk

    ide = known(ide_name) if ide_name else None
    road = Road(wanted=profile, port=port, ide=ide, model=model, offline=offline, patience=patience)
    walking = walk(HOPS, road)
    if as_lines:
        seen = list(lined(walking))
        click.echo(json.dumps({"type": "end", **conclusion(seen)}, ensure_ascii=False))
    elif as_json:
        seen = list(walking)
        click.echo(json.dumps(report(seen), ensure_ascii=False, indent=2))
    else:
        seen = list(told(walking, width=max(len(hop.name) for hop in HOPS)))
        conclude(seen)
    if first_broken(seen):
        raise SystemExit(1)


def known(name: str) -> "Ide":
    """Not a click.Choice: the names are in a package that takes time to import."""
    from idetour.doctor import IDES

    if name not in IDES:
        raise click.BadParameter(f"{name!r} is not among {', '.join(IDES)}", param_hint="--ide")
    return IDES[name]


def told(seen: "Iterator[Seen]", width: int) -> "Iterator[Seen]":
    """Pass on what is found, and print it at once: some hops take seconds."""
    from rich.text import Text

    from idetour.cli.screen import console

    indent = "\n" + " " * (width + 11)
    for hop, finding in seen:
        line = Text(f"{finding.state:<7}  ", style=STYLES[finding.state])
        line.append(f"{hop.name:<{width}}  {finding.text.replace('\n', indent)}", style="not bold default")
        if finding.remedy:
            line.append(f"{indent}→ {finding.remedy}", style="not bold default")
        console.print(line)
        yield hop, finding


def conclude(seen: "Sequence[Seen]") -> None:
    """The one line to act on."""
    from idetour.cli.screen import console
    from idetour.doctor import first_broken

    if (first := first_broken(seen)) is None:
        console.print(f"\n{OPEN}", style="bold green")
        return
    hop, finding = first
    console.print(f"\nFirst broken hop: {hop.name}. {finding.remedy or finding.text}", style="bold red")


def lined(seen: "Iterator[Seen]") -> "Iterator[Seen]":
    """Pass on what is found, and print it at once as an object."""
    for each in seen:
        click.echo(json.dumps({"type": "finding", **found(each)}, ensure_ascii=False))
        sys.stdout.flush()
        yield each


def found(seen: "Seen") -> dict[str, object]:
    hop, finding = seen
    return {"hop": hop.name, "state": finding.state, "text": finding.text, "remedy": finding.remedy}


def conclusion(seen: "Sequence[Seen]") -> dict[str, object]:
    from idetour.doctor import first_broken

    first = first_broken(seen)
    return {"open": first is None, "first_broken": first and first[0].name}


def report(seen: "Sequence[Seen]") -> dict[str, object]:
    """The same for programs."""
    return {**conclusion(seen), "findings": [*map(found, seen)]}
