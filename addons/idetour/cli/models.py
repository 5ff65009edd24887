"""`idetour models`: the names an IDE may ask for."""

import json

import click


@click.command(short_help="The names an IDE may ask for, and what is known of them.")
@click.argument("profile", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--all", "everything", is_flag=True, help="Also what lacks a key, and what was retired.")
def models(profile: str | None, as_json: bool, everything: bool) -> None:
    """The names an IDE may ask for in PROFILE, with their targets, context and output limits in tokens."""
    from idetour.cli.offer import state, targets
    from idetour.cli.screen import table
    from idetour.profile.read import find, read
    from idetour.routes.plan import offered

    made = read(find(profile))
    names = list(offered(made))
    if everything:
        names += [str(target) for target in made.catalog.models if str(target) not in names]
    lines = []
    for name in names:
        target = next(iter(targets(made, name)), None)
        known = made.known(target) if target else None
        lines.append(
            {
                "name": name,
                "target": str(target) if target else None,
                "title": known.title if known else None,
                "context": known.context if known else None,
                "output": known.output if known else None,
                "key": state(made.upstreams[target.upstream]) if target else None,
                "retired": known.retired if known else None,
                "instead": str(known.instead) if known and known.instead else None,
            }
        )
    if as_json:
        return click.echo(json.dumps(lines, ensure_ascii=False, indent=2))
    table(
        ("name", "target", "context", "output", "key", ""),
        (
            (
                str(line["name"]),
                str(line["target"] or "") if line["target"] != line["name"] else "",
                tokens(line["context"]),
                tokens(line["output"]),
                str(line["key"] or ""),
                f"retired; use {line['instead']}" if line["instead"] else "retired" if line["retired"] else "",
            )
            for line in lines
        ),
    )


def tokens(count: object) -> str:
    """A number of tokens as people write it: 131072 → 131k, 1048576 → 1.0M."""
    if not isinstance(count, int):
        return "–"
    return f"{count / 1e6:.1f}M" if count >= 1_000_000 else f"{count // 1000}k" if count >= 1000 else str(count)
