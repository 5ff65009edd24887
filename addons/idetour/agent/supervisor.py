"""One process for each task: starts the agent, writes down what happens, and leaves nothing of it behind.

    python -m idetour.agent.supervisor FOLDER TASK OWNER

It becomes the parent of every orphan below it, so whatever the agent started is
found and killed: when the task is stopped, takes too long, says nothing for too
long or writes too much, and also after a good end.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idetour.agent import isolation, limits, outcome, results, tree, webhook
from idetour.agent.child import Child, Signals
from idetour.agent.deltas import DELTA, PAUSE, Deltas
from idetour.agent.gateway import Gateway
from idetour.agent.launch import Launch, prepared
from idetour.agent.layout import Layout, Run, admin_token, at
from idetour.agent.limits import Limits, Watch
from idetour.agent.outcome import Outcome, Tally
from idetour.agent.results import shortened
from idetour.agent.runner import find
from idetour.agent.store import END, Said, Status, Store, Task, Unwritable
from idetour.agent.trajectory import Tail
from idetour.errors import IdetourError, SetupError

if TYPE_CHECKING:
    from idetour.agent.live import Ear

TICK = 0.25  # seconds between looks at limits
TAIL_TICK = 0.025  # and at the trajectory, where there is no driver: half a step's latency
CHECK = 1.0  # seconds between looks at the store: a signal is faster, but may come from this machine only
GRACE = 1.0  # seconds that the agent has to end by itself
UNWRITTEN = 60.0  # seconds that events may wait for room on the disk, or for the database
LAST_TRY = 600.0  # seconds for the last ones
FINAL = {"completed": "complete", "cancelled": "stopped"}  # the other ends are errors
# In Chinese, as the tool before us said them to its users.
MESSAGES = {"completed": "任务执行完成", "cancelled": "任务已停止"}


@dataclass(slots=True)
class Supervisor:
    store: Store
    task: Task
    run: Run
    signals: Signals
    tally: Tally = field(default_factory=Tally)
    _ear: "Ear | None" = None  # None: nobody tells what the model says
    _deltas: Deltas = field(default_factory=Deltas)
    _refused: str | None = None  # what the system refused the agent, as it seems
    _waiting: list[Said] = field(default_factory=list)
    _waits_since: float = 0.0
    _checked: float = 0.0

    def work(self) -> None:
        """The whole life of the task. Whatever happens, it has an end."""
        try:
            launch = prepared(
                self.task,
                self.run,
                find(self._layout.interpreters),
                gateway=self._gateway,
                stopped=lambda: self.signals.asked_to_stop,
            )
        except (IdetourError, OSError) as error:
            return self.finish(Outcome(status="failed", error=str(error)), {})
        try:
            if self._stopped(time.monotonic()):
                return self.finish(Outcome(status="cancelled", error="It was stopped before it began."), {})
            self._watch_over(launch)
        finally:
            launch.cell.remove()

    @property
    def _layout(self) -> Layout:
        return at(self.run.folder.parents[1])

    @property
    def _limits(self) -> Limits:
        return limits.of(self.task.spec.limits)

    @property
    def _gateway(self) -> Gateway | None:
        url = self.task.spec.gateway
        return Gateway(url, admin_token()) if url else None

    def _watch_over(self, launch: Launch) -> None:
        with self._listening(launch):
            ended, more = self._carried_out(launch)
            if launch.unfit and launch.runner.cli:
                self.tell([("warning", {"message": f"{launch.unfit} trae-cli is used instead."})])
                launch = launch.by_cli()
                ended, more = self._carried_out(launch)
        if launch.route.card and self._gateway:
            with contextlib.suppress(SetupError):
                more["usage"] = {"gateway": self._gateway.revoke(launch.route.card.id)}
        self.finish(self._kept(launch, ended, more), more)

    @contextlib.contextmanager
    def _listening(self, launch: Launch) -> Iterator[None]:
        """Hear what the model says, where it is asked for and the gateway is on the way."""
        if not (self.task.spec.live and launch.route.card and self._gateway):
            yield
            return
        from idetour.agent.live import Ear  # with HTTP, which other runs are spared

        self._ear = Ear(self._gateway, launch.route.card.id)
        with contextlib.closing(self._ear):
            yield

    def _carried_out(self, launch: Launch) -> tuple[Outcome, dict[str, Any]]:
        """Run the agent once, to its end or ours."""
        self._deltas = Deltas(driven=launch.driven)
        try:
            child = Child(
                launch.command,
                environment=launch.environment,
                folder=Path(self.task.spec.working_dir),
                log=self.run.log,
                signals=self.signals,
                pipe=launch.cell.pipe,
            )
        except OSError as error:
            what = error.filename or launch.command[0]
            return Outcome(
                status="failed", error=f"The agent cannot be started: {what}: {error.strerror}."
            ), {}
        tail = None if launch.driven else Tail(launch.trajectory, self.task.spec.output)
        with contextlib.closing(child):
            self.tell([("start", {**launch.told, "pid": child.process.pid})])
            reason = self._until_over(child, tail, launch)
            leftovers = self._cleared(child, reason)
            self._take_in(launch, [*child.drain(), *(tail.look() if tail else ())])
        if tail:
            found = outcome.of_trajectory(tail.last, child.code)
        else:
            found = outcome.of_driver(launch.end, child.code)
        if reason:
            found = found.unless(*reason)
        return found, {"exit_code": child.code, "leftovers": leftovers}

    def _until_over(self, child: Child, tail: Tail | None, launch: Launch) -> tuple[Status, str] | None:
        """Follow the agent; why it has to be ended, or None where it ended itself."""
        began = spoke = time.monotonic()
        spec, watch = self.task.spec, Watch(self._limits)
        tick = TAIL_TICK if tail else PAUSE if self._ear else TICK
        while child.code is None:
            said = [*child.look(tick), *(tail.look() if tail else ())]
            now = time.monotonic()
            if self._hears(now) or said:
                spoke = now
            self._take_in(launch, said)
            if self._stopped(now):
                return "cancelled", "It was stopped."
            if now - began > spec.seconds:
                return "timed_out", f"It was not done within {spec.seconds:,.0f} s."
            if now - spoke > spec.idle:
                return "timed_out", f"Nothing happened for {spec.idle:,.0f} s."
            if child.written > spec.output or (tail and tail.too_long):
                return "failed", f"It wrote more than {limits.size(spec.output)}."
            if excess := watch.excess(os.getpid()):
                return "failed", excess
            if self._waiting and now - self._waits_since > UNWRITTEN:
                return (
                    "failed",
                    "What happens cannot be written down: is the disk full, or the database away?",
                )
        return None

    def _hears(self, now: float) -> bool:
        """Whether the model says something."""
        return self._ear is not None and self._deltas.hear(self._ear.heard(), now)

    def _stopped(self, now: float) -> bool:
        if self.signals.asked_to_stop:
            return True
        if now - self._checked > CHECK:
            self._checked = now
            with contextlib.suppress(Unwritable):
                found = self.store.beat(self.task.id)
                return found is None or found.status == "cancelling" or not found.live
        return False

    def _cleared(self, child: Child, reason: tuple[Status, str] | None) -> int:
        """Nothing of the agent runs any more. How many processes it had left behind."""
        if child.code is None:
            tree.kill(child.process.pid, signal.SIGTERM)
            until = time.monotonic() + GRACE
            while child.code is None and not self.signals.at_once and time.monotonic() < until:
                child.look(tree.PAUSE)
        elif reason is None and self.task.spec.keep_background:
            return 0
        isolation.end(self.task.id, self.task.spec)
        return tree.kill_below(os.getpid(), child.reap)

    def _take_in(self, launch: Launch, said: list[Said]) -> None:
        """Events of the driver about itself are ours; the others are the task's."""
        public = []
        for type, data in said:
            if type in ("agent.finished", "agent.crashed"):
                launch.end = data
            elif type == "driver.unfit":
                launch.unfit = f"The driver does not fit this Trae Agent: {data.get('error')}."
                launch.end = {"error": launch.unfit}
            else:
                self.tally.count(type, data)
                public.append((type, short := shortened(data)))
                if type == "tool.results":
                    self._refused = limits.hint(repr(short), self._limits) or self._refused
        public = self._deltas.among(public, time.monotonic())
        if public or self._waiting:
            self.tell(public)

    def tell(self, said: list[Said]) -> None:
        """Write events; what finds no room waits for the next time, but for what the model is just saying."""
        self._waiting += said
        try:
            self.store.append(self.task.id, self._waiting)
        except Unwritable:
            self._waiting = [each for each in self._waiting if each[0] != DELTA]
            self._waits_since = (self._waits_since or time.monotonic()) if self._waiting else 0.0
        else:
            self._waiting, self._waits_since = [], 0.0

    def _kept(self, launch: Launch, ended: Outcome, more: dict[str, Any]) -> Outcome:
        """Keep the results, and look at the end in their light."""
        more["patch"], trouble = results.patched(launch, self.run.patch)
        troubles = [f"There is no patch: {trouble}"] if launch.shadow and trouble else []
        for each in [*troubles, *results.kept(launch, self.run)]:
            self.tell([("warning", {"message": each})])
        if ended.success and self.task.spec.must_patch and not more["patch"]:
            why = trouble or "The agent says that it is done, but it changed nothing."
            return ended.unless("failed", why)
        if ended.status == "failed" and ended.error:
            began = bool(self.tally.usage)
            hint = results.hint(ended.error, self.run.log, self._limits, began=began) or self._refused
            return ended.unless("failed", f"{ended.error} {hint or ''}".rstrip())
        return ended

    def finish(self, ended: Outcome, more: dict[str, Any]) -> None:
        """The last events. Where the disk is full they wait for room, as nothing else is left to do."""
        data = {"message": MESSAGES.get(ended.status) or ended.error, "result": ended.result, **more}
        data["usage"] = {"agent": self.tally.usage, **(more.get("usage") or {})}
        if ended.error:
            data["error"] = ended.error
        said = [*self._waiting, (FINAL.get(ended.status, "error"), data), (END, {"status": ended.status})]
        until = time.monotonic() + LAST_TRY
        while True:
            try:
                for file in self.run.results:
                    self.store.keep(self.task.id, file)
                self.store.finish(
                    self.task.id,
                    said,
                    status=ended.status,
                    success=ended.success,
                    result=ended.result,
                    error=ended.error,
                )
                return
            except Unwritable:
                if time.monotonic() > until:
                    raise
                time.sleep(1)


def patiently[T](ask: Callable[[], T]) -> T:
    """Once more while the database is away, perhaps restarted at this moment: nothing is lost by waiting."""
    until = time.monotonic() + UNWRITTEN
    while True:
        try:
            return ask()
        except (SetupError, Unwritable):
            if time.monotonic() > until:
                raise
            time.sleep(CHECK)


def main(folder: str, id: str, owner: str) -> None:
    tree.adopt_orphans()
    layout = at(Path(folder))
    with contextlib.closing(Signals()) as signals, contextlib.closing(patiently(layout.store)) as store:
        born = tree.identity(os.getpid()) or ""
        begun = patiently(lambda: store.begin(id, owner, pid=os.getpid(), born=born))
        if begun and (task := patiently(lambda: store.task(id))):
            run = layout.run(id)
            run.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            Supervisor(store, task, run, signals).work()
            if task.spec.webhook and (ended := store.task(id)) and not ended.live:
                webhook.deliver(ended)


if __name__ == "__main__":
    main(*sys.argv[1:4])
