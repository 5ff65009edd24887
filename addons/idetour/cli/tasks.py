"""`idetour agent run`, `list`, `show`, `stop`, `logs`: tasks from a terminal, whether a server runs or not."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idetour.cli.group import PORT, Setting, setting
from idetour.cli.steps import Board, Lines, one_line
from idetour.errors import SetupError

if TYPE_CHECKING:
    from idetour.agent.store import Store, Task

LOOK_SECONDS = 0.05
SHORTEST = 4  # characters of an id that are enough where only one begins so
LIMIT = 8  # agents at a time, for a task that a person starts


def origin(_: click.Context, __: click.Parameter, said: str | None) -> str | None:
    """The idetour to ask, None for none. Unsaid, it is this machine's, on the port that the other commands take too."""
    if said is not None:
        return None if said == "none" else said.rstrip("/")
    port = setting(PORT) or "8080"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise SetupError(f"PORT is {port!r}, which is no port. Name the idetour with --gateway.")
    return f"http://127.0.0.1:{int(port)}"


gateway_option = click.option(
    "--gateway",
    cls=Setting,
    callback=origin,
    envvar="IDETOUR_AGENT_GATEWAY",
    metavar="URL",
    help="The idetour whose models agents use; `none`: those of their own configuration. "
    "Without it: this machine's, on PORT or 8080.",
)
config_option = click.option(
    "--config",
    envvar="TRAE_CONFIG_FILE",
    default="trae_config.yaml",
    show_default=True,
    metavar="FILE",
    help="Trae Agent's own configuration: tools, steps, MCP servers.",
)
live_option = click.option(
    "--live/--no-live",
    default=True,
    show_default=True,
    help="Tell what the model says while it says it.",
)


def limits(_: click.Context, __: click.Parameter, words: tuple[str, ...]) -> dict[str, int]:
    from idetour.agent.limits import parsed

    return parsed(words)


ulimit_option = click.option(
    "--ulimit",
    "limits",
    multiple=True,
    metavar="NAME=VALUE",
    callback=limits,
    help="What an agent may take: memory=8G, file=16G, processes=2000, cpu=600 (seconds), nice=5; `none` lifts one.",
)


@click.command(short_help="Run one task.")
@click.argument("words", nargs=-1, required=True, metavar="TASK")
@click.option(
    "--dir",
    "folder",
    type=click.Path(exists=True, file_okay=False),
    default=".",
    show_default=True,
    help="Where it works.",
)
@click.option("-m", "--model", help="A name that idetour knows.")
@click.option("--provider", help="What the agent speaks: openai, anthropic; else Chat Completions.")
@click.option("--max-steps", type=click.IntRange(1, 10_000))
@click.option("--must-patch", is_flag=True, help="A run that changes no file has failed.")
@click.option("--route", type=click.Choice(["auto", "gateway", "direct"]), default="auto", show_default=True)
@click.option("--timeout", type=click.FloatRange(1), default=3600, show_default=True, metavar="SECONDS")
@click.option(
    "-f", "--follow", is_flag=True, help="Show its steps until its end; the exit code is 1 if it fails."
)
@gateway_option
@config_option
@live_option
@ulimit_option
def run(
    words: tuple[str, ...],
    folder: str,
    timeout: float,
    follow: bool,
    gateway: str | None,
    config: str,
    limits: dict[str, int],
    **asked: Any,
) -> None:
    """Have Trae Agent do TASK in a directory. It goes on if this command is left."""
    from idetour.agent import layout, request
    from idetour.agent.runner import INSTALL, find
    from idetour.agent.settings import Settings, config_path
    from idetour.agent.store import Order

    place = layout.ours()
    if find(place.interpreters).kind == "unavailable":
        raise SetupError(f"Trae Agent was not found. {INSTALL}")
    work = str(Path(folder).absolute())
    settings = Settings(
        roots=["/"], config=config_path(config), gateway=gateway, seconds=timeout, limits=limits
    )
    body = request.Asked(task=" ".join(words), working_dir=work, **asked)
    order = Order(id=request.new_id(), spec=request.spec(body, settings))
    with closing(place.store()) as store:
        task = store.submit(order, most=settings.queue)
        started = begun(store, task)
        if follow:
            raise SystemExit(0 if followed(store, task, started) else 1)
        click.echo(f"{task.id}  {'started' if started().status != 'queued' else 'queued behind others'}")
        click.echo(f"Follow it with: idetour agent logs -f {task.id[:8]}")


def begun(store: "Store", task: "Task") -> Callable[[], "Task"]:
    """Start the task as soon as it may; what is returned is called until it has, and tells how it stands."""
    from idetour.agent import layout
    from idetour.agent.engine import Engine

    engine = Engine(store, layout.ours(), limit=LIMIT, only=task.id)

    def turn() -> "Task":
        engine.turn()
        return store.task(task.id) or task

    return turn


def followed(store: "Store", task: "Task", turn: Callable[[], "Task"]) -> bool:
    """Show events until the end; whether it was a good one."""
    from idetour.cli.screen import console

    after = 0
    try:
        with Board() if console.is_terminal else Lines() as view:
            while True:
                seen = turn()
                for event in store.events(task.id, after=after):
                    after = event.seq
                    view.show(event)
                if not seen.live and after >= seen.last:
                    return bool(seen.success)
                time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        click.echo(f"\nIt goes on. Stop it with: idetour agent stop {task.id[:8]}")
        raise SystemExit(130) from None


@click.command("list", short_help="The newest tasks.")
@click.option("-n", "many", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_(many: int) -> None:
    """List tasks, the newest first."""
    from idetour.cli.screen import console, duration, table

    with opened() as store:
        found = store.tasks(limit=many)
        if not found:
            console.print("No task has been started yet.")
            return
        now = time.time()
        lines = (
            (
                task.id[:8],
                task.status,
                duration(task.seconds(now)),
                task.spec.working_dir,
                one_line(task.spec.task, 60),
            )
            for task in found
        )
        table(("id", "status", "took", "directory", "task"), lines)


@click.command(short_help="All about a task.")
@click.argument("id")
def show(id: str) -> None:
    """Say how the task with ID (or with an id that begins so) stands, and where its files are."""
    from idetour.agent import layout
    from idetour.cli.screen import duration, rows

    with opened() as store:
        task = named(store, id)
        files = layout.ours().run(task.id)
        kept = [(path.name, str(path)) for path in files.results if path.is_file()]
        rows(
            [
                ("id", task.id),
                ("status", f"{task.status}, {duration(task.seconds(time.time()))}"),
                ("directory", task.spec.working_dir),
                ("task", one_line(task.spec.task)),
                *([("result", one_line(task.result))] if task.result else []),
                *([("error", one_line(task.error, 1000))] if task.error else []),
                *kept,
            ],
            indent=0,
        )


@click.command(short_help="Stop a task, with every process that it started.")
@click.argument("id")
@click.option("--force", is_flag=True, help="Without a second in which to end by itself.")
def stop(id: str, force: bool) -> None:
    """Stop the task with ID."""
    from idetour.agent import engine

    with opened() as store:
        task = engine.stop(store, named(store, id).id, force=force)
        until = time.monotonic() + 5
        while task and task.live and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
            task = store.task(task.id)
        assert task
        click.echo(f"{task.id[:8]}  {task.status}")


@click.command(short_help="What happened in a task.")
@click.argument("id")
@click.option("-f", "--follow", is_flag=True, help="Until its end.")
@click.option("--console", "raw", is_flag=True, help="What the agent wrote to its console instead.")
def logs(id: str, follow: bool, raw: bool) -> None:
    """Show the events of the task with ID."""
    from idetour.agent import layout

    with opened() as store:
        task = named(store, id)
        if raw:
            path = layout.ours().run(task.id).log
            if path.is_file():
                with path.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
        elif follow:
            followed(store, task, lambda: store.task(task.id) or task)
        else:
            after = 0
            while found := store.events(task.id, after=after):
                after = found[-1].seq
                for event in found:
                    Lines().show(event)


@contextmanager
def opened() -> "Iterator[Store]":
    from idetour.agent import layout

    with closing(layout.ours().store()) as store:
        yield store


def named(store: "Store", id: str) -> "Task":
    """The task whose id begins so. Raises SetupError."""
    if task := store.task(id):
        return task
    newest = store.tasks(limit=10_000) if len(id) >= SHORTEST else []
    found = [each for each in newest if each.id.startswith(id)]
    if len(found) != 1:
        why = f"{len(found)} tasks begin with {id}" if found else f"There is no task {id}"
        raise SetupError(f"{why}. See `idetour agent list`.")
    return found[0]
