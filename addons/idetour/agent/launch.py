"""What has to be there before an agent starts: its folder, its configuration, its environment, its command."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from idetour import disk
from idetour.agent import environment, isolation, limits, patch
from idetour.agent.child import EVENTS
from idetour.agent.gateway import Gateway, label
from idetour.agent.isolation import Cell
from idetour.agent.layout import Run
from idetour.agent.patch import Shadow
from idetour.agent.route import Route, chosen
from idetour.agent.runner import DRIVER, Runner
from idetour.agent.store import Task
from idetour.errors import SetupError

LONGEST = 16_384  # characters of a text in an event


@dataclass(slots=True, kw_only=True)
class Launch:
    task: Task
    runner: Runner
    route: Route
    cell: Cell
    shadow: Shadow | None
    no_shadow: str = ""  # why there is none
    end: dict[str, Any] = field(default_factory=dict)  # what the driver said last
    unfit: str = ""  # why the driver could not be used after all

    @property
    def driven(self) -> bool:
        return self.runner.python is not None

    @property
    def trajectory(self) -> Path:
        return self.cell.box / "trajectory.json"

    @property
    def environment(self) -> Mapping[str, str]:
        return self.cell.environment(
            environment.built(self.task.id, self.cell.box, self.route.environment)
            | ({EVENTS: str(self.cell.pipe)} if self.cell.pipe else {})
        )

    @property
    def command(self) -> list[str]:
        command = self.cell.around(self._driver() if self.runner.python else self._cli())
        if self.cell.contained:  # it is the container's client that we start
            return command
        return limits.around(command, limits.of(self.task.spec.limits), self.cell.popen)

    @property
    def told(self) -> dict[str, Any]:
        """For the first event of the run."""
        return {
            "message": f"开始执行任务: {self.task.spec.task}",
            "runner": self.runner.kind,
            "route": self.route.name,
            "model": self.route.model,
            "notes": [*self.route.notes, *([self.no_shadow] if self.no_shadow else [])],
        }

    def by_cli(self) -> "Launch":
        """The same without the driver."""
        return replace(self, runner=Runner(cli=self.runner.cli), unfit="", end={})

    def _driver(self) -> list[str]:
        spec = self.task.spec
        asked = {
            "task": spec.task,
            "working_dir": spec.working_dir,
            "config_file": str(self.route.file),
            "provider": self.route.provider,
            "model": self.route.model,
            "max_steps": spec.max_steps,
            "must_patch": spec.must_patch,
            "trajectory_file": str(self.trajectory),
            "longest": LONGEST,
            "shadow": self.shadow and for_driver(self.shadow),
        }
        written = self._write("spec.json", json.dumps(asked, ensure_ascii=False))
        # A copy: ours may lie where another user cannot read.
        driver = self._write("driver.py", DRIVER.read_text("utf-8"))
        return [str(self.runner.python), "-I", str(driver), str(written)]

    def _cli(self) -> list[str]:
        """The task goes by a file: it may be longer than a command line, and begin with a dash."""
        spec = self.task.spec
        words = {
            "--file": str(self._write("task.txt", spec.task)),
            "--config-file": str(self.route.file),
            "--provider": self.route.provider,
            "--working-dir": spec.working_dir,
            "--trajectory-file": str(self.trajectory),
            "--console-type": "simple",
            "--model": self.route.model,
            "--max-steps": spec.max_steps,
        }
        given = [word for name, value in words.items() if value is not None for word in (name, str(value))]
        return [str(self.runner.cli), "run", *given]

    def _write(self, name: str, text: str) -> Path:
        path = self.cell.box / name
        path.unlink(missing_ok=True)
        disk.create(path, text.encode("utf-8", "replace"))
        self.cell.give(path)
        return path


def for_driver(shadow: Shadow) -> Mapping[str, Any]:
    """What the driver needs to look at changes."""
    return {
        "env": patch.environment(shadow.folder, shadow.work),
        "options": list(patch.SAFE),
        "before": shadow.before,
        "work": str(shadow.work),
    }


def prepared(
    task: Task, run: Run, runner: Runner, *, gateway: Gateway | None, stopped: Callable[[], bool]
) -> Launch:
    """Everything but the process. Raises SetupError, OSError."""
    if runner.kind == "unavailable":
        raise SetupError(
            f"Trae Agent was not found ({runner.found}). `idetour agent doctor` says how to install it."
        )
    work = Path(task.spec.working_dir)
    if not work.is_dir():
        raise SetupError(f"The working directory {work} is gone.")
    cell = isolation.entered(task.spec, run.folder)
    try:
        route = chosen(task.spec, cell.box, gateway, label=label(task.id))
        cell.give(route.file)
        shadow, why = shadowed(cell, work, stopped)
        return Launch(task=task, runner=runner, route=route, cell=cell, shadow=shadow, no_shadow=why)
    except BaseException:
        cell.remove()
        raise


def shadowed(cell: Cell, work: Path, stopped: Callable[[], bool]) -> tuple[Shadow | None, str]:
    shadow = Shadow(cell.box / "shadow.git", work, cell.popen)
    try:
        shadow.begin(stopped)
        return shadow, ""
    except SetupError as error:
        return None, f"There will be no patch: {error}"
