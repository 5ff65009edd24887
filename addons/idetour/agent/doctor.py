"""Can agents run here? Each part is tried for real, up to a whole task with a model of our own."""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from idetour.agent import tree
from idetour.agent.config import existing, read
from idetour.agent.engine import Engine
from idetour.agent.gateway import Gateway
from idetour.agent.isolation import possible
from idetour.agent.layout import Layout, admin_token
from idetour.agent.limits import Limits, around, of
from idetour.agent.route import PARAMETERS
from idetour.agent.runner import INSTALL, Runner, find
from idetour.agent.store import Order, Spec, Task
from idetour.errors import SetupError

PROBE_SECONDS = 90.0  # imports of all SDKs take seconds on a busy machine

FILE, WORDS = "probe.txt", "idetour was here"
TURNS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("bash", {"command": f"printf '{WORDS}' > {FILE}", "restart": False}),
    ("task_done", {}),
)
# Takes more than it may, and says what it was refused.
GREEDY = """
try: open("file", "wb").write(bytes(2 << 20))
except OSError: print("file")
try: bytearray(512 << 20)
except MemoryError: print("memory")
"""


@dataclass(frozen=True, slots=True)
class Finding:
    state: Literal["ok", "note", "broken"]
    part: str
    text: str
    remedy: str = ""


def examined(layout: Layout, *, gateway: str | None, config: str) -> Iterator[Finding]:
    """All parts in order; each as soon as it is known."""
    runner = find(layout.interpreters)
    yield from of_runner(runner)
    yield of_git()
    if not tree.adopt_orphans():
        yield Finding(
            "note", "processes", "This system has no subreaper: daemons of an agent may survive it."
        )
    yield of_limits()
    yield of_isolation()
    yield of_models(gateway, config)
    if runner.kind != "unavailable":
        yield of_whole(layout.folder)


def of_runner(runner: Runner) -> Iterator[Finding]:
    if runner.kind == "unavailable":
        yield Finding("broken", "Trae Agent", f"It was not found: {runner.found}.", INSTALL)
    elif runner.kind == "cli":
        why = f"Only {runner.cli} can be used: {runner.found}."
        yield Finding("note", "Trae Agent", why, "Name its interpreter: TRAE_AGENT_PYTHON=…/bin/python")
    else:
        missing = f"; without {', '.join(runner.missing)}, which no run needs" if runner.missing else ""
        said = f"{runner.python} (Python {runner.version}, by {runner.found}), {len(runner.tools)} tools{missing}."
        yield Finding("ok", "Trae Agent", said)


def of_git() -> Finding:
    if shutil.which("git"):
        return Finding("ok", "git", "It is here, for patches.")
    return Finding("note", "git", "It is not on the PATH: runs have no patch.", "Install git.")


def of_limits() -> Finding:
    """What the system really holds a process to, and what is left to us."""
    asked = Limits(file=1 << 20, memory=256 << 20)
    command = around([sys.executable, "-I", "-c", GREEDY], asked, {})
    with tempfile.TemporaryDirectory() as made:
        tried = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
    kept = tried.stdout.split()
    told = f"Each task may take {of({}).told()}. Memory and processes of all its processes are counted by us"
    if kept == ["file", "memory"]:
        return Finding("ok", "limits", f"{told}; files and the memory of one are held by the system.")
    free = " and ".join(name for name in ("file", "memory") if name not in kept)
    return Finding("note", "limits", f"{told}; the system holds no process to its limit of {free}.")


def of_isolation() -> Finding:
    try:
        possible("namespace")
    except (SetupError, OSError) as error:
        return Finding("note", "isolation", f"{error}", "`--isolation user` or `container` may do.")
    said = (
        "`namespace` is possible: agents that write in their own directory only, and see no keys of idetour."
    )
    return Finding("ok", "isolation", said)


def of_models(gateway: str | None, config: str) -> Finding:
    """Where a run's model would come from."""
    if gateway and (found := Gateway(gateway, admin_token())).answers():
        try:
            found.revoke(found.issue("doctor", seconds=60).id)
        except SetupError as error:
            return Finding("broken", "models", str(error), "Start both with the same IDETOUR_HOME.")
        return Finding(
            "ok", "models", f"Runs go through the idetour at {gateway}, each with a token of its own."
        )
    file = existing(Path(config))
    remedy = "Start `idetour run`."
    if file is None:
        return Finding(
            "broken", "models", f"No idetour answers at {gateway}, and there is no {config}.", remedy
        )
    try:
        direct = read(file)
    except SetupError as error:
        return Finding("broken", "models", str(error))
    key = "a key" if direct.api_key_set else "no key"
    said = f"No idetour answers at {gateway}. Runs use {file} directly: {direct.model}, with {key}."
    return Finding("note", "models", said, f"{remedy} So the key stays out of the agent's reach.")


def of_whole(folder: Path) -> Finding:
    """A task of two steps, from the queue to the patch."""
    with tempfile.TemporaryDirectory(prefix="doctor-", dir=folder) as made, model() as url:
        layout = Layout(Path(made))
        work = layout.folder / "work"
        work.mkdir()
        began = time.monotonic()
        task = carried_out(layout, work, url)
        took = time.monotonic() - began
        if task.status != "completed":
            return Finding("broken", "a whole run", task.error or f"It ended as {task.status}.")
        written = work / FILE
        if not written.is_file() or written.read_text() != WORDS:
            return Finding("broken", "a whole run", "It says that it is done, but its shell wrote no file.")
        patch = layout.run(task.id).patch
        if shutil.which("git") and WORDS not in (patch.read_text() if patch.is_file() else ""):
            return Finding("broken", "a whole run", "The patch does not show what the agent wrote.")
        return Finding("ok", "a whole run", f"A shell command, a file, a patch: {took:.1f} s.")


def carried_out(layout: Layout, work: Path, url: str) -> Task:
    file = layout.folder / "trae_config.yaml"
    file.write_text(json.dumps(configuration(url)), encoding="utf-8")
    spec = Spec(
        task="Write a file.",
        working_dir=str(work.resolve()),
        config_file=str(file),
        route="direct",
        seconds=PROBE_SECONDS,
    )
    with closing(layout.store()) as store:
        task = store.submit(Order(id=str(uuid.uuid4()), spec=spec), most=1)
        engine = Engine(store, layout, limit=1)
        while task.live:
            engine.turn()
            time.sleep(0.05)
            task = store.task(task.id) or task
        return task


def configuration(url: str) -> dict[str, object]:
    tools = ["bash", "task_done"]
    agent = {"enable_lakeview": False, "model": "probe", "max_steps": 4, "tools": tools}
    account = {"api_key": "none", "provider": "openrouter", "base_url": url}
    return {
        "agents": {"trae_agent": agent},
        "model_providers": {"probe": account},
        "models": {"probe": {"model_provider": "probe", "model": "probe", **PARAMETERS}},
    }


class Model(BaseHTTPRequestHandler):
    """A model of our own (Chat Completions): it has a file written by the shell and says that it is done."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        turn = sum(message["role"] == "tool" for message in asked["messages"])
        name, arguments = TURNS[min(turn, len(TURNS) - 1)]
        call = {"name": name, "arguments": json.dumps(arguments)}
        message = {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": f"call_{turn}", "type": "function", "function": call}],
        }
        body = {
            "id": "chatcmpl-probe",
            "object": "chat.completion",
            "created": 0,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        said = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *words: Any) -> None:
        pass


@contextmanager
def model() -> Iterator[str]:
    """The base URL of the model, while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
