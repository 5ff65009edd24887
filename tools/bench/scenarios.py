"""What is done with a system, and which figures that gives."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from .client import Door
from .processes import Running
from .systems import System

type Values = Mapping[str, float]  # by name of the figure


class LoadError(Exception):
    """The load generator could not do what was asked."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The load generator, told what to do."""

    generator: Running
    mock: Door
    quick: bool

    def ask(self, act: str, *doors: Door, **arguments: object) -> Any:
        pipes = self.generator.process
        assert pipes.stdin
        assert pipes.stdout
        print(json.dumps([act, [asdict(door) for door in doors], arguments]), file=pipes.stdin, flush=True)
        answer = json.loads(pipes.stdout.readline())
        if "error" in answer:
            raise LoadError(answer["error"])
        return answer["result"]

    def requests(self, system: System, *, connections: int, **what: int) -> dict[str, float]:
        """Requests on warm connections, with the CPU that the system used for them."""
        self.ask("connect", system.door, count=connections)
        used = system.running.cpu() if system.running else 0.0
        result: dict[str, float] = self.ask("repeat", system.door, **what)
        result["cpu"] = system.running.cpu() - used if system.running else 0.0
        self.ask("leave")
        if result["faults"]:
            raise LoadError(f"{result['faults']:.0f} answers were wrong or broken")
        return result


@dataclass(frozen=True, slots=True)
class Scenario:
    measure: Callable[[Bench, System], Values]
    urgent: bool = False  # a latency, measured with little CPU: goes before what else runs on the machine
    once: bool = False  # memory does not vary from repeat to repeat, but what was freed is used again


def first(bench: Bench, system: System, *, figure: str, size: int, times: int) -> Values:
    times = max(4, times // 3) if bench.quick else times
    result = bench.requests(system, connections=1, size=size, times=times, chunks=1, delay=3000)
    return {figure: result["first"] / 1000}


def paced(bench: Bench, system: System) -> Values:
    chunks = 100 if bench.quick else 200
    result = bench.requests(system, connections=10, times=1, chunks=chunks, delay=10_000)
    return {"chunk": result["chunk"], **per(10 * chunks, "cpu_chunk", result, scale=1e6)}


def burst(bench: Bench, system: System) -> Values:
    result = bench.requests(system, connections=8, times=1, chunks=500)
    return per(8 * 500, "cpu_burst", result, scale=1e6)


def requests(bench: Bench, system: System) -> Values:
    result = bench.requests(system, connections=8, times=25 if bench.quick else 60)
    rate = result["requests"] / result["seconds"]
    return {"requests": rate, **per(result["requests"], "cpu_request", result, scale=1e3)}


def per(count: float, figure: str, result: Mapping[str, float], *, scale: float) -> Values:
    """CPU per chunk or request; `direct` has none."""
    return {figure: result["cpu"] / count * scale} if result["cpu"] else {}


def far(bench: Bench, system: System) -> Values:
    if not system.far:
        return {}
    bench.ask("fresh", system.far, times=1)
    return {"far": bench.ask("fresh", system.far, times=3 if bench.quick else 5)}


def abort(bench: Bench, system: System) -> Values:
    return {"abort": 1000 * bench.ask("abandon", system.door, bench.mock, count=10)}


def held(bench: Bench, system: System) -> Values:
    if not system.running:
        return {}
    count = 100 if bench.quick else 500
    before = system.running.memory()
    bench.ask("hold", system.door, count=count)
    time.sleep(2)
    grown = system.running.memory() - before
    bench.ask("leave")
    return {"idle": before / 1e6, "held": grown / count / 1024}


def last(bench: Bench, system: System) -> Values:
    """Many requests, as an IDE sends them: 30 KB each. Not among the others: each needs a fresh process."""
    assert system.running
    bench.ask("connect", system.door, count=8)
    before = system.running.memory()
    times = (1000 if bench.quick else 10_000) // 8
    result = bench.ask("repeat", system.door, times=times, size=30_000, chunks=5)
    grown = system.running.memory() / before
    bench.ask("leave")
    if result["faults"]:
        raise LoadError(f"{result['faults']} answers were wrong or broken")
    return {"grown": grown}


SCENARIOS = {
    "held": Scenario(held, once=True),  # the first one, in processes that have done little
    "first-1k": Scenario(partial(first, figure="first_1k", size=1000, times=40), urgent=True),
    "first-300k": Scenario(partial(first, figure="first_300k", size=300_000, times=20), urgent=True),
    "first-5m": Scenario(partial(first, figure="first_5m", size=5_000_000, times=6), urgent=True),
    "paced": Scenario(paced),
    "burst": Scenario(burst),
    "requests": Scenario(requests),
    "far": Scenario(far, urgent=True),
    "abort": Scenario(abort, urgent=True),
}
LAST = "last"
