"""One client finishes the task: idetour as people start it, and behind it a scripted model of another protocol."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from idetour.cli.running import is_idetour
from idetour.ports import any_free
from upstream import Upstream
from upstream.author import author

from .installation import NotInstalled, installed, version
from .processes import finish
from .recipes import CONTENT, FILE, MODEL, Client, Place, Protocol

ROOT = Path(__file__).resolve().parents[2]
RUN_SECONDS, START_SECONDS = 180, 30
SPOKEN = {"chat": "Chat Completions", "messages": "Messages", "responses": "Responses"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`said` is why it failed, in the client's or idetour's own words."""

    name: str
    version: str = ""
    road: str = ""
    finished: bool = False
    said: str = ""
    requests: int = 0
    seconds: float = 0.0


def tried(client: Client, folder: Path) -> Result:
    """Install a client below `folder` if need be, and have it finish the task."""
    result = Result(name=client.name, road=f"{SPOKEN[client.speaks]} → {SPOKEN[client.upstream]}")
    try:
        programs = installed(client, folder)
    except NotInstalled as error:
        return replace(result, said=f"not installed: {error}")
    with tempfile.TemporaryDirectory(prefix="idetour-client-") as made, Upstream() as upstream:
        place = Place(programs, Path(made) / "home", Path(made) / "project")
        place.home.mkdir()
        place.project.mkdir()
        upstream.always(author(FILE, CONTENT, folder=str(place.project.resolve())))
        with started(Path(made), scripted(upstream, client.upstream)) as url:
            began = time.monotonic()
            said = run(client, replace(place, url=url))
            took = time.monotonic() - began
        file = place.project / FILE
        content = file.read_text("utf-8").strip() if file.is_file() else None
    finished = content == CONTENT
    why = "" if finished else said if content is None else f"{FILE} holds {content[:40]!r}"
    asked = sum(request.method == "POST" for request in upstream.requests)
    return replace(
        result, version=version(client, programs), finished=finished, said=why, requests=asked, seconds=took
    )


def scripted(upstream: Upstream, speaks: Protocol) -> str:
    """A profile with one model, which the script answers."""
    dialect, base = ("openai", upstream.url) if speaks == "chat" else ("anthropic", upstream.origin)
    return f'upstreams: {{ script: {{ url: "{base}", speaks: {dialect} }} }}\nmodels: {{ {MODEL}: script/author }}\n'


@contextmanager
def started(folder: Path, text: str, **settings: str) -> Iterator[str]:
    """The product, as people start it, with this profile. Yields its base URL."""
    profile = folder / "profile.yaml"
    profile.write_text(text)
    port = any_free("127.0.0.1")
    ours = {"IDETOUR_HOME": str(folder / "idetour"), "PYTHONPATH": str(ROOT / "addons")}
    environment = {**clean(), **ours, **settings}
    with (folder / "idetour.log").open("wb") as log:
        command = [sys.executable, "-m", "idetour", "run", str(profile), "-p", str(port)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    try:
        until = time.monotonic() + START_SECONDS
        while not is_idetour(f"http://127.0.0.1:{port}"):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"idetour did not start:\n{(folder / 'idetour.log').read_text('utf-8')}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def run(client: Client, place: Place) -> str:
    """Start the client and wait for its end. Returns the last that it said."""
    start = client.start(place)
    homes = {
        "HOME": str(place.home),
        "XDG_CONFIG_HOME": str(place.home / ".config"),
        "XDG_DATA_HOME": str(place.home / ".local" / "share"),
    }
    program = str(place.programs / Path(client.program).name)
    done = finish(
        [program, *start.arguments],
        seconds=RUN_SECONDS,
        folder=place.project,
        environment={**clean(), **homes, **start.environment},
    )
    return done.last or f"it ended with {done.code} and said nothing"


def clean() -> dict[str, str]:
    """Our environment without keys and settings of this machine's user, and without proxies: all is on loopback."""
    mine = re.compile(
        r"_(API_KEY|TOKEN|BASE_URL|PROXY|MODEL)$|^(IDETOUR|CLAUDE|ANTHROPIC|OPENAI)|^CODEX", re.IGNORECASE
    )
    return {name: value for name, value in os.environ.items() if not mine.search(name)}
