"""`idetour models`: the names an IDE may ask for, and what a model can do."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from idetour.cli.group import Group
from idetour.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from idetour.gateway.probe import Probe
    from idetour.profile import Profile


MARKS = {"yes": "yes", "changed": "yes, changed", "no": "no"}  # of a probe's verdicts


class Listing(Group):
    """A group that lists when no command is named: `idetour models --all` is `idetour models list --all`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._completed(args))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, self._completed(args))

    def _completed(self, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in ("-h", "--help"))
        return args if named else ["list", *args]


@click.group(cls=Listing, short_help="The names an IDE may ask for; what a model can do.")
def models() -> None:
    """The names an IDE may ask for. `idetour models PROFILE` is short for `idetour models list PROFILE`."""


@models.command("list", short_help="The names an IDE may ask for, and what is known of them.")
@click.argument("profile", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--all", "everything", is_flag=True, help="Also what lacks a key, and what was retired.")
def listing(profile: str | None, as_json: bool, everything: bool) -> None:
    """The names an IDE may ask for in PROFILE, with their targets, context and output limits in tokens."""
    from idetour.accounts.pool import read
    from idetour.cli.screen import table
    from idetour.profile.read import find
    from idetour.routes.plan import offered

    made = read(find(profile))
    names = dict.fromkeys([*offered(made), *(map(str, made.catalog.models) if everything else ())])
    lines = [known(made, name) for name in names]
    if as_json:
        return click.echo(json.dumps(lines, ensure_ascii=False, indent=2))
    table(("name", "target", "context", "output", "key", ""), map(cells, lines))


@models.command(short_help="Try what a model can do, with a dozen short questions.")
@click.argument("target")
@click.option("--profile", "profile_name", metavar="PROFILE", help="Whose upstreams and keys to use.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def probe(target: str, profile_name: str | None, as_json: bool) -> None:
    """Ask TARGET (`upstream/model-id`) a dozen short questions: does it stream, call tools, see pictures, think?

    It takes some thousand tokens. What the upstream refuses is learned as a quirk, as it
    is from every request (`idetour quirks list`).
    """
    import asyncio

    from idetour.home import folder
    from idetour.profile.read import find

    made = asyncio.run(probed(target, find(profile_name), folder("state")))
    if as_json:
        said = {
            "target": str(made.target),
            "findings": [asdict(each) for each in made.findings],
            "tokens": {"prompt": made.prompt, "completion": made.completion},
        }
        click.echo(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        show(made)
    if made.findings[0].verdict == "no":
        raise SystemExit(1)


async def probed(name: str, path: "Path", state: "Path") -> "Probe":
    """What was found out about a target. Raises SetupError for a name that leads to none."""
    from idetour.endpoints.serve import assemble
    from idetour.gateway.probe import Probe
    from idetour.profile.watch import Watched
    from idetour.routes.plan import named

    gateway = assemble(Watched(path), state=state)
    try:
        profile = gateway.watched.current
        found = named(profile, name)
        if found is None:
            raise SetupError(
                f"{name} leads to no model. Write it as upstream/model-id; `idetour models --all` lists those we know."
            )
        made = Probe(gateway.pipeline, profile, found.target)
        await made.run()
        return made
    finally:
        await gateway.stop()


def show(made: "Probe") -> None:
    from idetour.cli.screen import console, table

    console.print(str(made.target), style="bold")
    table(("works", "what", ""), ((MARKS[each.verdict], each.what, each.remark) for each in made.findings))
    if made.prompt:
        console.print(f"It took {made.prompt:,} tokens in and {made.completion:,} out.")
    elif made.findings[0].verdict != "no":
        console.print("The upstream did not say how many tokens it took.")


def known(profile: "Profile", name: str) -> dict[str, Any]:
    """A name, the first target it leads to, and what the catalog knows of that."""
    from idetour.routes.offer import state, targets

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
    if count >= 1_000_000:
        return f"{count / 1e6:.1f}M"
    return f"{count // 1000}k" if count >= 1000 else str(count)
