"""`idetour check`: read a profile and say who answers what, without network."""

import click


@click.command(short_help="Read a profile; show who answers what and which keys are missing.")
@click.argument("profile", required=False)
def check(profile: str | None) -> None:
    """Read PROFILE (a name or a path) and show who answers what and which keys are missing. No network."""
    from idetour.cli.offer import state, targets
    from idetour.cli.screen import console, rows, table
    from idetour.profile.read import find, read
    from idetour.routes.plan import offered

    made = read(find(profile))
    console.print(f"{made.path}: fine")
    for warning in made.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    declared = [*made.routes, *made.models]
    names = declared or list(offered(made))
    table(
        ("asked for", "answered by", "key"),
        (
            (name if not position else "", f"{'else ' if position else ''}{target}", state(made.upstreams[target.upstream]))
            for name in names
            for position, target in enumerate(targets(made, name))
        ),
    )
    access = ", ".join(made.access_names) or f"{len(made.access)} keys"
    rows(
        [
            ("intercepts", ", ".join(made.hosts)),
            ("access", f"only with a key ({access})" if made.access else "anyone on this machine"),
            ("otherwise", "the real host, with the IDE's own key" if made.passthrough else "404 with the nearest names"),
        ],
        indent=0,
    )
