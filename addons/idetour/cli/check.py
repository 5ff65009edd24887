"""`idetour check`: read a profile and say who answers what, without network."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from idetour.profile import Profile


@click.command(short_help="Read a profile; show who answers what and which keys are missing.")
@click.argument("profile", required=False)
def check(profile: str | None) -> None:
    """Read PROFILE (a name or a path) and show who answers what and which keys are missing. No network."""
    from idetour.accounts.pool import read
    from idetour.cli.screen import console, rows, table, warn
    from idetour.cli.status import weighing
    from idetour.endpoints.weights import differences, saved, with_weights
    from idetour.home import home
    from idetour.profile.read import find
    from idetour.routes.offer import asks_for, state, targets
    from idetour.routes.plan import offered

    made = read(find(profile))
    console.print(f"{made.path}: fine")
    warn(made.warnings)
    table(
        ("asked for", "answered by", "", "key"),
        (
            ("" if position else name, str(target), part, state(made.upstreams[target.upstream]))
            for name in [*made.routes, *made.models] or offered(made)
            for position, (part, target) in enumerate(targets(made, name))
        ),
    )
    weighed = with_weights(made, saved(home() / "state", made))
    rows(
        [
            *(("weights", text) for text in weighing(differences(made, weighed))),
            ("intercepts", ", ".join(made.hosts)),
            ("access", asks_for(made) or "anyone on this machine"),
            *(("", f"behind a proxy, as {name}") for name in made.names),
            *(("", f"web pages of {origin}") for origin in made.origins),
            *(("limit", f"{most:,} requests a minute of each caller") for most in [made.limit] if most),
            ("otherwise", otherwise(made)),
        ],
        indent=0,
    )


def otherwise(profile: "Profile") -> str:
    """What becomes of a name that is not listed."""
    if "default" in profile.routes:
        return "as default says"
    return "the real host, with the IDE's own key" if profile.passthrough else "404 with the nearest names"
