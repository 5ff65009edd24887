"""`idetour agent`: Trae Agent's runs, from a terminal and as a server."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idetour.cli import tasks
from idetour.cli.group import Group
from idetour.cli.tasks import config_option, gateway_option, live_option, ulimit_option
from idetour.cli.worker import shared, store_option, worker
from idetour.errors import SetupError

if TYPE_CHECKING:
    from idetour.agent.settings import Settings

STYLES = {"ok": "green", "note": "yellow", "broken": "bold red"}


@click.group(cls=Group, short_help="Run Trae Agent: as a server, or one task.")
def agent() -> None:
    """Run Trae Agent: `serve` for programs, `run` for one task.

    Tasks, their events and their results stay in idetour's home. All commands
    see the same tasks, whether a server runs or not.
    """


@click.command(short_help="Start the HTTP interface.")
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=5000,
    show_default=True,
    envvar=["IDETOUR_AGENT_PORT", "FLASK_PORT"],
    help="Where it listens; 0 for any.",
)
@click.option("--host", default="127.0.0.1", show_default=True, envvar=["IDETOUR_AGENT_HOST", "FLASK_HOST"])
@click.option(
    "--root",
    "roots",
    multiple=True,
    metavar="DIR",
    envvar="IDETOUR_AGENT_ROOTS",
    type=click.Path(),
    help="Agents may start below it; repeatable. Without one: below the current directory.",
)
@click.option("--limit", type=click.IntRange(1), default=2, show_default=True, help="Agents at a time.")
@click.option("--timeout", type=click.FloatRange(1), default=3600, show_default=True, metavar="SECONDS")
@click.option(
    "--isolation",
    default="none",
    show_default=True,
    help="none; namespace (Linux); user (with --user; needs root); container (with --container).",
)
@click.option("--user", metavar="NAME", help="Whom agents run as, with --isolation user.")
@click.option(
    "--container",
    metavar="COMMAND",
    help="With --isolation container: what starts {command}, with {workdir} and {rundir} mounted.",
)
@click.option("--container-stop", metavar="COMMAND", help="What kills the container of {task}.")
@click.option(
    "--days",
    type=click.FloatRange(0.01),
    default=30,
    show_default=True,
    help="That a task stays after its end.",
)
@click.option("--origin", "origins", multiple=True, metavar="URL", help="A web page elsewhere that may ask.")
@click.option(
    "--name", "names", multiple=True, metavar="HOST", help="A name of this server beside localhost."
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Server processes.")
@click.option("--open", "no_token", is_flag=True, help="Ask for no token; on this machine only.")
@store_option
@gateway_option
@config_option
@live_option
@ulimit_option
def serve(port: int, host: str, workers: int, store: str | None, **how: Any) -> None:
    """Answer on http://127.0.0.1:5000/api: start tasks, follow, stop them.

    Whoever may ask can run any command on this machine. So a token is asked
    for, and `agent/token` in idetour's home holds it.

    With `--store` the agents run where `idetour agent worker` does.
    """
    from idetour.agent import guard, layout
    from idetour.agent.api import serving
    from idetour.cli.run import usable

    settings = configured(host, works=not shared(store), **how)
    place = layout.ours()
    place.store().close()  # a store that cannot be opened is said here, in a sentence
    if not settings.open:
        guard.token(place.folder)
    port = usable(host, port)
    start_screen(settings, host, port)
    serving(settings, host, port, workers=workers)


def configured(host: str, **how: Any) -> "Settings":
    """Settings from options. Raises SetupError."""
    from idetour.agent.settings import Settings, config_path, debug, real

    local = host in ("127.0.0.1", "::1", "localhost")
    if how["no_token"] and not local:
        raise SetupError(f"--open and --host {host}: anybody on the network could run commands here.")
    wild = [] if local else ["*"] if host in ("0.0.0.0", "::") else [host]
    return Settings(
        roots=real(list(how["roots"]) or [str(Path.cwd())]),
        config=config_path(how["config"]),
        gateway=how["gateway"],
        limit=how["limit"],
        works=how["works"],
        seconds=how["timeout"],
        days=how["days"],
        live=how["live"],
        limits=how["limits"],
        isolation=how["isolation"],
        user=how["user"],
        container=how["container"],
        container_stop=how["container_stop"],
        open=how["no_token"],
        origins=list(how["origins"]),
        hosts=[*wild, *how["names"]],
        debug=debug(),
    ).checked()


def start_screen(settings: "Settings", host: str, port: int) -> None:
    """Where it listens, what it runs, and a line that works as it stands."""
    from idetour.agent import layout
    from idetour.agent.guard import FILE
    from idetour.agent.runner import find
    from idetour.cli.screen import console, rows, warn
    from idetour.cli.welcome import reached

    place = layout.ours()
    here, there = reached(host)
    base = f"http://{here}:{port}"
    runner = find(place.interpreters)
    console.print("idetour agent", style="bold", end="  ")
    console.print(f"listening on http://{there}:{port}")
    rows(
        [
            ("API", f"{base}/api   described at {base}/docs"),
            ("Token", "none is asked for" if settings.open else str(place.folder / FILE)),
            ("Agents", agents_said(settings)),
            ("Isolation", isolation_said(settings)),
            ("Limits", limits_said(settings)),
            *([("Runner", f"{runner.kind}: {runner.python or runner.cli or runner.found}")] * settings.works),
            ("Models", f"through {settings.gateway}" if settings.gateway else f"as {settings.config} says"),
        ]
    )
    if settings.works and runner.kind == "unavailable":
        warn(["Trae Agent was not found, so no task can start. `idetour agent doctor` says what to do."])
    key = "" if settings.open else f" -H \"Authorization: Bearer $(cat '{place.folder / FILE}')\""
    body = f'{{"task":"Write hello.py and run it","working_dir":"{settings.roots[0]}"}}'
    console.print("\nTry it:", style="bold")
    console.print(f"curl {base}/api/run{key} -H 'Content-Type: application/json' -d '{body}'\n")


def agents_said(settings: "Settings") -> str:
    many = f"{settings.limit} at a time" if settings.works else "where `idetour agent worker` runs"
    return f"{many}, below {', '.join(settings.roots)}"


def isolation_said(settings: "Settings") -> str:
    match settings.isolation:
        case "user":
            return f"as user {settings.user}"
        case "namespace":
            return "namespace: an agent writes in its own directory only; it reads what you may, but no keys of idetour"
        case "container":
            return "container: what its command allows"
    return "none: an agent may do whatever you may; the directories are where it starts, not where it stays"


def limits_said(settings: "Settings") -> str:
    from idetour.agent.limits import of

    if settings.isolation == "container":
        return "those of the container"
    return f"{of(settings.limits).told()}, each task"


@click.command(short_help="Whether agents can run here, and what to do.")
@gateway_option
@config_option
def doctor(gateway: str | None, config: str) -> None:
    """Look for Trae Agent and try a whole run with a model of our own. The exit code is 1 if none is possible."""
    from rich.text import Text

    from idetour.agent import layout
    from idetour.agent.doctor import examined
    from idetour.agent.settings import config_path
    from idetour.cli.screen import console

    broken = False
    for finding in examined(layout.ours(), gateway=gateway, config=config_path(config)):
        broken |= finding.state == "broken"
        said = Text(f"{finding.state:<6}  ", style=STYLES[finding.state])
        said.append(f"{finding.part:<11}  {finding.text}", style="not bold default")
        if finding.remedy:
            said.append(f"\n{'':21}→ {finding.remedy.replace('\n', f'\n{"":23}')}", style="not bold default")
        console.print(said)
    if broken:
        raise SystemExit(1)


for command in (serve, worker, tasks.run, tasks.list_, tasks.show, tasks.stop, tasks.logs, doctor):
    agent.add_command(command)
