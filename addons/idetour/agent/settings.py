"""How the agent's server is set up, from options and the environment; the names of the tool it replaces count too."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from idetour.agent.isolation import possible
from idetour.errors import SetupError

VARIABLE = "IDETOUR_AGENT_SETTINGS"  # carries them to worker processes
CONFIG = "trae_config.yaml"
TRUE = ("1", "true", "yes", "on")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    roots: list[str]  # real paths; agents start below them only
    config: str  # the configuration of Trae Agent that is used where a task names none
    gateway: str | None = None  # the origin of the idetour that is asked for models; None: never
    limit: int = 2  # agents at a time, of all servers with this home, or this database
    here: int | None = None  # the same for this machine
    works: bool = True  # agents run here; False: `idetour agent worker` runs them elsewhere
    queue: int = 1000  # that may wait
    seconds: float = 3600.0
    idle: float = 900.0  # a request may take 600 s, and Trae Agent sleeps for up to 30 s before it asks again
    output: int = 64 << 20  # bytes
    live: bool = True
    days: float = 30.0  # that a task is kept after its end
    limits: dict[str, int] = {}  # those of limits.py that are not the usual ones
    isolation: str = "none"
    user: str | None = None
    container: str | None = None  # a command with {workdir}, {rundir}, {environment}, {task} and {command}
    container_stop: str | None = None  # a command with {task}
    open: bool = False  # no token is asked for; loopback only
    origins: list[str] = []  # web pages elsewhere that may call
    hosts: list[str] = []  # names beside loopback's that we may be called by
    debug: bool = False  # tracebacks in answers

    def checked(self) -> "Settings":
        """These. Raises SetupError for what cannot work."""
        possible(self.isolation, user=self.user, command=self.container)
        for root in self.roots:
            if not Path(root).is_dir():
                raise SetupError(f"--root {root}: there is no such directory.")
        return self


def real(roots: list[str]) -> list[str]:
    return [str(Path(root).expanduser().resolve()) for root in roots]


def config_path(name: str = CONFIG) -> str:
    return str(Path(name).expanduser().absolute())


def debug(own: Mapping[str, str] = os.environ) -> bool:
    return own.get("FLASK_DEBUG", "").lower() in TRUE
