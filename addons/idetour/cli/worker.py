"""`idetour agent worker`: run agents for servers that share a database, on as many machines as there are."""

import json
import os
from contextlib import closing

import click

from idetour.cli.tasks import ulimit_option
from idetour.errors import SetupError

store_option = click.option(
    "--store",
    envvar="IDETOUR_AGENT_STORE",
    metavar="URL",
    help="postgresql://…: the database that machines share. Others could read a password here, but not in the "
    "variable IDETOUR_AGENT_STORE.",
)


def shared(url: str | None) -> bool:
    """Let all that follows use that database. Raises SetupError for what is no URL of one."""
    if not url:
        return False
    if not url.startswith(("postgresql://", "postgres://")):
        raise SetupError("--store: the URL of a PostgreSQL database begins with postgresql://.")
    os.environ["IDETOUR_AGENT_STORE"] = url
    return True


@click.command(short_help="Run agents for servers that share a database.")
@store_option
@click.option("--limit", type=click.IntRange(1), default=2, show_default=True, help="Agents at a time, here.")
@ulimit_option
@click.option(
    "--limit-all", type=click.IntRange(1), default=10_000, help="Agents at a time, on all machines together."
)
def worker(store: str | None, limit: int, limit_all: int, limits: dict[str, int]) -> None:
    """Take tasks from the database and run them here, in the directories that they name.

    Whoever may write to the database can run any command on this machine. If
    this command ends, its agents go on.
    """
    import asyncio

    from idetour.agent import layout
    from idetour.agent.engine import MACHINE, Engine
    from idetour.agent.limits import VARIABLE
    from idetour.agent.runner import INSTALL, find
    from idetour.cli.screen import console, rows

    if not shared(store):
        raise SetupError("Name the database: --store postgresql://…, or IDETOUR_AGENT_STORE.")
    os.environ[VARIABLE] = json.dumps(limits)  # for the supervisors that we start
    place = layout.ours()
    runner = find(place.interpreters)
    if runner.kind == "unavailable":
        raise SetupError(f"Trae Agent was not found, so no task can run here. {INSTALL}")
    with closing(place.store()) as tasks:
        console.print("idetour agent worker", style="bold")
        rows(
            [
                ("Machine", MACHINE),
                ("Agents", f"{limit} at a time"),
                ("Runner", str(runner.python or runner.cli)),
            ]
        )
        try:
            asyncio.run(Engine(tasks, place, limit_all, here=limit).work())
        except KeyboardInterrupt:
            console.print("No more tasks are taken. Agents that run go on.")
