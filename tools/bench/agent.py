"""How quickly agent runs are seen and stopped: `python tools/bench/agent.py [--tasks 3] [--steps 15] [--store URL]`.

A scripted model, the stand-in for Trae Agent that the tests have (or the real one, where TRAE_AGENT_PYTHON names it)
and `idetour agent serve` as people start it. Each event carries the time at which the agent's own process made it;
the clocks of one machine are one. The exit code is 1 where a goal is missed.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from statistics import median, quantiles

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT / "addons"), str(ROOT / "tests")]

from agent.model import DONE, Model, bash  # noqa: E402  # found by the line above
from conftest import unused_port  # noqa: E402
from idetour.agent import tree  # noqa: E402
from idetour.agent.route import PARAMETERS  # noqa: E402

VIEWERS = 200
DAEMONS = "sleep 60 & (setsid sleep 60 &) ; nohup setsid sleep 60 >/dev/null 2>&1 & touch ready; sleep 60"
GOALS = {  # ms, at most
    "Step finished to event at the client, p50": 30,
    "Step finished to event at the client, p95": 60,
    "Stop to the whole tree gone, worst": 250,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/bench/agent.py", description=__doc__)
    parser.add_argument("--tasks", type=int, default=3, help="at a time")
    parser.add_argument("--steps", type=int, default=15, help="of each")
    parser.add_argument("--stops", type=int, default=7)
    parser.add_argument("--store", metavar="URL", help="a PostgreSQL database instead of a file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-agent-") as folder, ExitStack() as stack:
        place = Place(Path(folder), stack, asked.store)
        found = asyncio.run(measured(place, asked))
    missed = False
    print("| figure | goal | reached |\n| --- | --- | --- |")
    for name, value in found.items():
        goal = GOALS.get(name)
        missed |= goal is not None and value > goal
        print(f"| {name}, ms | {f'≤ {goal}' if goal else ''} | {value:,.0f} |")
    sys.exit(1 if missed else 0)


class Place:
    """A home, an agent, a server."""

    def __init__(self, folder: Path, stack: ExitStack, store: str | None) -> None:
        self.folder, self.stack = folder, stack
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "addons"),
            "IDETOUR_HOME": str(folder / "home"),
            "TRAE_AGENT_PYTHON": os.environ.get("TRAE_AGENT_PYTHON") or str(standin(folder)),
            **({"IDETOUR_AGENT_STORE": store} if store else {}),
        }
        self.shared = store is not None

    @contextmanager
    def serving(self, model: Model, limit: int) -> Iterator[str]:
        """The server's URL."""
        port = unused_port()
        where = ["-p", str(port), "--root", str(self.folder), "--gateway", "none", "--open"]
        how = ["--limit", str(limit), "--config", str(self.config(model))]
        commands = [["serve", *where, *how], *([["worker", "--limit", str(limit)]] * self.shared)]
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "idetour", "agent", *words],
                env=self.environment,
                stdout=subprocess.DEVNULL,
            )
            for words in commands
        ]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            for process in started:
                process.terminate()
                process.wait()

    def config(self, model: Model) -> Path:
        path = self.folder / "trae_config.yaml"
        tools = ["bash", "task_done"]
        agent = {"enable_lakeview": False, "model": "m", "max_steps": 500, "tools": tools}
        provider = {"api_key": "none", "provider": "openrouter", "base_url": model.url}
        said = {
            "agents": {"trae_agent": agent},
            "model_providers": {"p": provider},
            "models": {"m": {"model_provider": "p", "model": "m", **PARAMETERS}},
        }
        path.write_text(json.dumps(said))  # JSON is YAML
        return path


def standin(folder: Path) -> Path:
    made = folder / "standin"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made)], check=True)
    (packages,) = made.glob("lib/python3*/site-packages")
    shutil.copytree(ROOT / "tests" / "agent" / "trae" / "trae_agent", packages / "trae_agent")
    return made / "bin" / "python"


async def measured(place: Place, asked: argparse.Namespace) -> dict[str, float]:
    steps = [[bash("sleep 0.1")]] * asked.steps
    with Model(*steps, [DONE]) as model, place.serving(model, asked.tasks) as url:
        async with client(url) as line:
            tasks = [await submitted(line, place, f"step{number}") for number in range(asked.tasks)]
            late = [*chain(*await asyncio.gather(*(viewed(line, task) for task in tasks)))]
            task = await submitted(line, place, "viewers")
            seen = [*chain(*await asyncio.gather(*(viewed(line, task) for _ in range(VIEWERS))))]
    stops = []
    with Model([bash(DAEMONS)]) as model, place.serving(model, 1) as url:
        async with client(url) as line:
            for number in range(asked.stops):
                stops.append(await stopped(line, place, f"stop{number}"))
    return {
        "Step finished to event at the client, p50": median(late),
        "Step finished to event at the client, p95": p95(late),
        f"The same for {VIEWERS} viewers of one task, p50": median(seen),
        f"The same for {VIEWERS} viewers of one task, p95": p95(seen),
        "Stop to the whole tree gone, median": median(stops),
        "Stop to the whole tree gone, worst": max(stops),
    }


def p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def client(url: str) -> aiohttp.ClientSession:
    limits = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(url, connector=limits, timeout=aiohttp.ClientTimeout(total=300))


async def submitted(line: aiohttp.ClientSession, place: Place, folder: str) -> str:
    """The id of a new task. The server may still be starting."""
    body = {"task": "x", "working_dir": str(place.folder / "work" / folder)}
    for _ in range(400):
        try:
            async with line.post("/api/run", json=body) as answer:
                return str((await answer.json())["task_id"])
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)
    raise SystemExit("The server does not answer.")


async def viewed(line: aiohttp.ClientSession, task: str) -> list[float]:
    """How long each finished step took to arrive, in ms."""
    late = []
    async with line.get(f"/api/tasks/{task}/stream") as answer:
        came = time.time()
        async for said in answer.content:
            now = time.time()
            if said.startswith(b"data: ") and b'"type":"step.completed"' in said:
                at = json.loads(said[6:])["at"]
                if at > came:  # what was before is history, which has waited for us
                    late.append((now - at) * 1000)
    return late


async def stopped(line: aiohttp.ClientSession, place: Place, folder: str) -> float:
    """Until no process of the task is left, in ms."""
    task = await submitted(line, place, folder)
    await asyncio.to_thread(until, (place.folder / "work" / folder / "ready").exists)
    began = time.perf_counter()
    gone = asyncio.create_task(asyncio.to_thread(until, lambda: not tree.marked(task)))
    async with line.post(f"/api/tasks/{task}/stop", json={}):
        await gone
        return (time.perf_counter() - began) * 1000


def until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.002)


if __name__ == "__main__":
    main()
