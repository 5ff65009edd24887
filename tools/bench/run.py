"""One run: start everything, measure in turn, print the tables."""

import argparse
import json
import random
import resource
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from . import authority
from .chunks import events_table
from .client import Door
from .figures import GOALS, figures_table, goals_table, reached
from .machine import Noise, describe
from .processes import Running, StartError, answering, free_port, start
from .scenarios import LAST, SCENARIOS, Bench, LoadError, Scenario, Values
from .scenarios import last as last_long
from .systems import CHECKOUT, OTHER_CORE, OURS, SYSTEMS, Place, System

ROUND_TRIP = 50  # ms to the far mock
EVENTS = "events"  # measured in this process
URGENT = -10  # priority, where it is granted

SCENARIO_NAMES = [*SCENARIOS, LAST, EVENTS]


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 repeats of less, for a look while working")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", default=[], help=f"of {', '.join(SCENARIO_NAMES)}"
    )
    parser.add_argument(
        "--systems", nargs="+", metavar="NAME", default=list(SYSTEMS), help=f"of {', '.join(SYSTEMS)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single value")
    asked = parser.parse_args()
    if unknown := {*asked.only} - {*SCENARIO_NAMES} | {*asked.systems} - {*SYSTEMS}:
        parser.error(f"no such name: {', '.join(sorted(unknown))}")

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # 500 streams take two descriptors each
    noise = Noise()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        run = Run(stack, Path(folder), quick=asked.quick)
        names = asked.only or SCENARIO_NAMES
        run.all(asked.systems if names != [EVENTS] else [], names)
    machine = f"{describe()}; other programs used {noise.cores():.1f} cores meanwhile"
    figures, goals = figures_table(run.samples, [*SYSTEMS]), goals_table(run.samples)
    tables = [figures, "\n".join(run.ways_in), goals] if run.samples else []
    tables += [events_table()] if EVENTS in names else []
    print(machine, *tables, sep="\n\n")
    if asked.json:
        compared = [found for goal in GOALS if (found := reached(goal, run.samples))]
        values = {"machine": machine, "samples": run.samples, "goals": compared}
        asked.json.write_text(json.dumps(values, default=asdict, indent=1))


class Run:
    """The processes of one run, and what was measured."""

    def __init__(self, stack: ExitStack, folder: Path, *, quick: bool) -> None:
        self.stack = stack
        self.samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.ways_in: list[str] = []
        self.repeats = 3 if quick else 5
        ca, certificate = authority.make(folder)
        plain, tls, far = free_port(), free_port(), free_port()
        self.place = Place(folder, ca, certificate, plain, tls, far)
        self.tools = [
            self.tool("mock", plain, tls, certificate, port=plain),
            self.tool("distance", far, tls, ROUND_TRIP),
            generator := self.tool("load", pipe=True),
        ]
        self.bench = Bench(generator, Door(plain), quick)

    def tool(self, name: str, *arguments: object, port: int = 0, pipe: bool = False) -> Running:
        command = [sys.executable, "-m", f"tools.bench.{name}", *map(str, arguments)]
        log = self.place.folder / f"{name}.log"
        env = {"PYTHONPATH": str(CHECKOUT)}
        running = start(command, core=OTHER_CORE, log=log, env=env, pipe=pipe)
        self.stack.callback(running.stop)
        if port:
            answering(running, port, log=log)
        return running

    def all(self, names: list[str], scenarios: list[str]) -> None:
        systems = [system for name in names if name != "idetour-web" and (system := self.begin(name))]
        for name, scenario in SCENARIOS.items():
            if name in scenarios:
                self.interleaved(name, scenario, systems)
        for system in systems:
            system.stop()
        for name in names:
            if name in OURS and LAST in scenarios:
                self.last(name)

    def begin(self, name: str) -> System | None:
        say(f"starting {name}")
        try:
            system = SYSTEMS[name](self.place)
            if system:
                self.stack.callback(system.stop)
                self.bench.requests(system, connections=2, times=5, chunks=2)
        except (StartError, LoadError, OSError) as error:
            say(f"left out: {name}: {error}")
            return None
        if not system:
            say(f"left out: {name} is not installed")
            return None
        self.ways_in.append(f"- {name}: {system.about}")
        return system

    def interleaved(self, name: str, scenario: Scenario, systems: list[System]) -> None:
        """Each system once a repeat, in an order that differs each time."""
        for repeat in range(1 if scenario.once else self.repeats):
            say(f"{name}, {repeat + 1}")
            for system in random.sample(systems, len(systems)):
                self.hurry(system, URGENT if scenario.urgent else 0)
                self.measure(name, scenario.measure, system)
                self.hurry(system, 0)

    def hurry(self, system: System, level: int) -> None:
        for running in (*self.tools, system.running):
            if running:
                running.hurry(level)

    def measure(self, name: str, act: Callable[[Bench, System], Values], system: System) -> None:
        try:
            self.note(system, act(self.bench, system))
        except LoadError as error:
            say(f"{name} of {system.name}: {error}")
            self.bench.ask("leave")

    def last(self, name: str) -> None:
        """Start it again and again; the last one started has to last."""
        for repeat in range(self.repeats):
            say(f"{LAST} of {name}, start {repeat + 1}")
            try:
                system = OURS[name](self.place)
            except StartError as error:
                say(f"left out: {name}: {error}")
                break
            self.stack.callback(system.stop)
            self.note(system, {"start": system.seconds})
            if repeat == self.repeats - 1:
                self.measure(LAST, last_long, system)
            system.stop()

    def note(self, system: System, values: Values) -> None:
        for figure, value in values.items():
            self.samples[figure][system.name].append(value)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
