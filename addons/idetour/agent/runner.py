"""Finding Trae Agent: an interpreter that has it, for our driver, or else its command line.

TRAE_AGENT_PYTHON names the one, TRAE_CLI the other; otherwise `trae-cli` on
the PATH. A script's first line tells its interpreter, so the driver is used
wherever it can be. What an interpreter has is asked once and kept.
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idetour import disk

DRIVER = Path(__file__).with_name("driver.py")
COMMAND = "trae-cli"
PROBE_SECONDS = 60.0  # importing all SDKs takes seconds on a busy machine

INSTALL = """Trae Agent is not on PyPI. Make it an interpreter of its own (Python 3.12), from its source:
    git clone https://github.com/bytedance/trae-agent
    python3.12 -m venv trae-venv
    trae-venv/bin/pip install ./trae-agent docker pexpect 'pydantic<2.14'
(the last three: it imports the first two without asking for them, and breaks with newer pydantic)
    export TRAE_AGENT_PYTHON=$PWD/trae-venv/bin/python"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """How a task can be run here. With neither it cannot."""

    python: str | None = None  # an interpreter in which the driver works
    cli: str | None = None
    found: str = ""  # how it was found, or why not
    tools: tuple[Mapping[str, str], ...] = ()
    version: str = ""  # of its Python
    missing: tuple[str, ...] = ()  # modules that the driver stands in for

    @property
    def kind(self) -> str:
        return "driver" if self.python else "cli" if self.cli else "unavailable"


def find(cache: Path, own: Mapping[str, str] = os.environ) -> Runner:
    """What is here; `cache` is a file for what interpreters said. Takes seconds when it is new."""
    cli = own.get("TRAE_CLI") or shutil.which(COMMAND, path=own.get("PATH"))
    cli = cli and shutil.which(cli, path=own.get("PATH"))
    problems = []
    for python, found in interpreters(cli, own):
        said = described(python, cache)
        if "error" not in said:
            return Runner(
                python=python,
                cli=cli,
                found=found,
                tools=tuple(said["tools"]),
                version=said["python"],
                missing=tuple(said["missing"]),
            )
        problems.append(f"{found}: {python}: {said['error']}")
    if cli:
        problems.append(f"{cli} is used, without the driver")
    return Runner(cli=cli, found="; ".join(problems) or f"no {COMMAND} on the PATH")


def interpreters(cli: str | None, own: Mapping[str, str]) -> list[tuple[str, str]]:
    named = own.get("TRAE_AGENT_PYTHON")
    found = [(named, "TRAE_AGENT_PYTHON")] if named else []
    behind = interpreter_of(Path(cli)) if cli else None
    return [*found, *([(behind, f"the first line of {cli}")] if behind else [])]


def interpreter_of(script: Path) -> str | None:
    """The Python that a script names in its first line."""
    with suppress(OSError, ValueError), script.open("rb") as file:
        first = file.readline(1024)
        if first.startswith(b"#!"):
            words = shlex.split(first[2:].decode())
            if words and "python" in Path(words[0]).name:
                return words[0]
    return None


def described(python: str, cache: Path) -> dict[str, Any]:
    """What the driver says of an interpreter, asked anew when it or the driver changed. `error`: not fit."""
    path = shutil.which(python)
    if path is None:
        return {"error": "there is no such program"}
    key = f"{path} {Path(path).stat().st_mtime_ns} {site_time(path)} {DRIVER.stat().st_mtime_ns}"
    with suppress(OSError, ValueError, KeyError):
        return dict(json.loads(cache.read_text("utf-8"))[key])
    said = probe(path)
    if "error" not in said:  # a fault may be mended without a trace that we would see
        with suppress(OSError):
            disk.replace(cache, json.dumps({key: said}).encode())
    return said


def site_time(python: str) -> int:
    """When packages of a virtual environment last came or went."""
    sites = Path(python).parent.parent.glob("lib/python3*/site-packages")
    return max((site.stat().st_mtime_ns for site in sites), default=0)


def probe(python: str) -> dict[str, Any]:
    command = [python, "-I", str(DRIVER), "--describe"]
    clean = {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/")}
    try:
        done = subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS, env=clean, check=False)
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return {"error": f"it did not answer within {PROBE_SECONDS:.0f} s"}
    except OSError as error:
        return {"error": error.strerror or str(error)}
    except (IndexError, ValueError):
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [
            f"exit code {done.returncode}"
        ]
        return {"error": last[0][:300]}
