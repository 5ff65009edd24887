"""Clients from their registries, by npm and pip as this machine has them set up, each in a folder of its own."""

import json
import shutil
import sys
from pathlib import Path

from .processes import finish
from .recipes import Client

SECONDS = 600  # for one command
PYTHONS = ("python3.12", "python3.11", "python3.10")  # aider's dependencies have no wheels for newer ones


class NotInstalled(Exception):
    """Its text says why."""


def installed(client: Client, folder: Path) -> Path:
    """The folder that holds its program. Raises NotInstalled."""
    place = folder / client.program
    programs = place / ("bin" if client.installer == "pip" else "node_modules/.bin")
    if client.installer == "none":
        return Path(client.program).parent
    if not (programs / client.program).exists():
        commands = by_pip(client, place) if client.installer == "pip" else by_npm(client, place)
        for command in commands:
            print(f"{client.name}: {Path(command[0]).name} {' '.join(command[1:3])} …", file=sys.stderr)
            done = finish(command, seconds=SECONDS)
            if done.code != 0:
                raise NotInstalled(done.complaint)
    return programs


def by_npm(client: Client, place: Path) -> list[list[str]]:
    if (npm := shutil.which("npm")) is None:
        raise NotInstalled("there is no npm here")
    place.mkdir(parents=True, exist_ok=True)
    return [[npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", client.package]]


def by_pip(client: Client, place: Path) -> list[list[str]]:
    """In an environment of its own, of a Python that its dependencies are built for."""
    python = next(filter(None, map(works, PYTHONS)), None)
    if python is None:
        raise NotInstalled(f"it needs one of {', '.join(PYTHONS)}")
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", client.package]
    return [[python, "-m", "venv", str(place)], pip]


def works(name: str) -> str | None:
    """The path of a Python that starts: version managers leave names on the path that do not."""
    path = shutil.which(name)
    return path if path and finish([path, "-c", "import venv"], seconds=20).code == 0 else None


def version(client: Client, programs: Path) -> str:
    if client.installer == "npm":
        about = (programs.parent / client.package / "package.json").read_text("utf-8")
        return str(json.loads(about)["version"])
    if client.installer == "pip":
        code = f"import importlib.metadata as m; print(m.version({client.package!r}))"
        return finish([str(programs / "python"), "-c", code], seconds=60).last
    return client.package
