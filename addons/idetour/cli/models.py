"""`idetour models`: the names an IDE may ask for."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from idetour.profile import Profile


@click.command(short_help="The names an IDE may ask for, and what is known of them.")
@click.argument("profile", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--all", "everything", is_flag=True, help="Also what lacks a key, and what was retired.")
def models(profile: str | None, as_json: bool, everything: bool) -> None:
    """The names an IDE may ask for in PROFILE, with their targets, context and output limits in tokens."""
    from idetour.cli.screen import table
    from idetour.profile.read import find, read
    from idetour.routes.plan import offered

    made = read(find(profile))
    names = dict.fromkeys([*offered(made), *(map(str, made.catalog.models) if everything else ())])
    lines = [known(made, name) for name in names]
    if as_json:
        return click.echo(json.dumps(lines, ensure_ascii=False, indent=2))
    table(("name", "target", "context", "output", "key", ""), map(cells, lines))


def known(profile: "Profile", name: str) -> dict[str, Any]:
    """A name, the first target it leads to, and what the catalog knows of that."""
    from idetour.cli.offer import state, targets

    target = next((target for _, target in targets(profile, name)), None)
    known = profile.known(target) if target else None
    return {
        "name": name,
        "target": str(target) if target else None,
        "title": known.title if known else None,
        "context": known.context if known else None,
        "output": known.output if known else None,
        "images": known.images if known else None,
        "key": state(profile.upstreams[target.upstream]) if target else None,
        "retired": known.retired if known else None,
        "instead": str(known.instead) if known and known.instead else None,
    }


def cells(line: dict[str, Any]) -> tuple[str, ...]:
    """The same as a line of the table."""
    target = "" if line["target"] in (None, line["name"]) else line["target"]
    retired = f"retired; use {line['instead']}" if line["instead"] else "retired" if line["retired"] else ""
    return line["name"], target, tokens(line["context"]), tokens(line["output"]), line["key"] or "", retired


def tokens(count: int | None) -> str:
    """A number of tokens as people write it: 131072 → 131k, 1048576 → 1.0M."""
    if count is None:
        return "–"
    return (
        f"{count / 1e6:.1f}M" if count >= 1_000_000 else f"{count // 1000}k" if count >= 1000 else str(count)
    )
