"""Starts queued tasks, as many at a time as are allowed, and sets right what dead processes left.

Any number of engines may work on one store: a task is claimed in one statement.
"""

import asyncio
import itertools
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from idetour.agent import isolation, tree, webhook
from idetour.agent.gateway import Gateway, label
from idetour.agent.layout import Layout, admin_token, take
from idetour.agent.store import ACTIVE, END, Said, Status, Store, Task
from idetour.errors import SetupError
from idetour.home import HERE

log = logging.getLogger("idetour")

TURN_SECONDS = 0.1  # between two questions whether anybody has written
CARE_SECONDS = 1.0  # between two looks at supervisors, and at the store where nobody has written
TIDY_SECONDS = 600.0  # between two looks for tasks that are old
SILENT_SECONDS = 30.0  # without a word from a supervisor on another machine until it is taken for dead
DAY = 86400.0
STOPPING: tuple[Status, ...] = ("cancelling",)
MACHINE = socket.gethostname()
NUMBERS = itertools.count()


@dataclass(slots=True)
class Engine:
    store: Store
    layout: Layout
    limit: int  # agents at a time, of all engines with this store; 0: none is started here
    here: int | None = None  # the same for this machine
    days: float = 30.0
    only: str | None = None  # the one task that is started; None: any
    owner: str = field(default_factory=lambda: name())
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _looks: bool = True  # the next turn looks at the store, even if nobody has written
    _heard: int = -1  # the version of the store at the last look
    _answers_since: float = field(default_factory=time.monotonic)  # the store, without a break
    _cared: float = 0.0
    _tidied: float = 0.0
    _complained: bool = False

    async def work(self) -> None:
        """Until it is cancelled. Supervisors go on by themselves."""
        while True:
            await asyncio.to_thread(self.turn)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TURN_SECONDS)
            self._wake.clear()

    def wake(self) -> None:
        """There is something to do. For the loop's own thread."""
        self._looks = True
        self._wake.set()

    def turn(self) -> None:
        """One round; blocks."""
        now = time.monotonic()
        try:
            self._reap()
            if now - self._cared > CARE_SECONDS:
                self._care()
                self._cared, self._looks = now, True
            self._look()
            if now - self._tidied > TIDY_SECONDS:
                self.tidy()
                self._tidied = now
        except Exception as error:
            self._answers_since, self._looks = time.monotonic(), True
            if not self._complained:  # once, for there are ten turns a second
                log.error("%s", error, exc_info=None if isinstance(error, OSError) else error)
            self._complained = True
        else:
            self._complained = False

    def _look(self) -> None:
        """Start what may start, and pass on what was stopped elsewhere: supervisors themselves look once a second."""
        heard = self.store.version()
        if heard == self._heard and not self._looks:
            return
        self._heard, self._looks = heard, False
        for task in self.store.tasks(STOPPING):
            end(task)
        while found := self.store.claim(self.owner, limit=self.limit, only=self.only, here=self.here):
            self._start(found)

    def _start(self, task: Task) -> None:
        """A process that outlives us."""
        folder = self.layout.run(task.id).folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        said = os.open(folder / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._children[task.id] = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "idetour.agent.supervisor",
                    str(self.layout.folder),
                    task.id,
                    self.owner,
                ],
                env={**os.environ, **self.layout.told(), "PYTHONPATH": str(HERE.parent)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        except OSError:
            self.store.requeue(task.id, self.owner)
            raise
        finally:
            os.close(said)

    def _reap(self) -> None:
        """A supervisor that ended before it could begin would do so again."""
        for id, child in list(self._children.items()):
            if child.poll() is not None:
                del self._children[id]
                task = self.store.task(id)
                if task and task.owner == self.owner and task.pid is None:
                    self._lost(id)

    def _care(self) -> None:
        """Look after the tasks whose supervisor, or the engine that was to start it, is gone.

        On this machine it is looked for; on another one it has been silent for too long. Nobody could say
        anything while the store was away.
        """
        could_be_heard = time.monotonic() - self._answers_since > SILENT_SECONDS
        for task in self.store.silent(SILENT_SECONDS) if could_be_heard else ():
            if task.pid is not None or not self.store.requeue(task.id, task.owner or ""):
                self._lost(task.id)
        for task in self.store.tasks(ACTIVE, limit=10_000):
            machine, _, engine = (task.owner or "").partition(":")
            if machine != MACHINE or task.id in self._children:
                continue
            if task.pid is not None:
                if not tree.alive(task.pid, task.born):
                    self._lost(task.id)
                continue
            # A claim of ours of which we do not know: the store went away over it.
            unknown = task.owner == self.owner or not running(engine)
            if unknown and not self.store.requeue(task.id, task.owner or ""):
                self._lost(task.id)  # it was to be stopped meanwhile

    def _lost(self, id: str) -> None:
        """Say so, and do what its supervisor no longer can."""
        task = self.store.task(id)
        if task is None or not task.live:  # it came to its end since we looked
            return
        killed, used = self._swept(task)
        status: Status = "lost" if task.pid or task.status != "cancelling" else "cancelled"
        why = "Its supervisor died" + (
            f"; {killed} processes that it had started were killed." if killed else "."
        )
        data = {"message": why, "error": why, "leftovers": killed, "usage": used}
        said: list[Said] = [("error", data), (END, {"status": status})]
        if self.store.finish(id, said, status=status, success=False, error=why) and (
            ended := self.store.task(id)
        ):
            webhook.deliver_soon(ended)

    def _swept(self, task: Task) -> tuple[int, dict[str, Any]]:
        """What its supervisor would have done in the end: how many processes were killed, what its token used."""
        killed = tree.kill_marked(task.id)
        isolation.end(task.id, task.spec)
        used = {}
        if task.spec.gateway:
            with suppress(SetupError):
                used = Gateway(task.spec.gateway, admin_token()).forget(label(task.id))
        run = self.layout.run(task.id)
        with suppress(OSError):
            take(run.box / "trajectory.json", run.trajectory)
        isolation.clear(run.folder)
        return killed, {"gateway": used} if used else {}

    def tidy(self) -> None:
        """Remove tasks that have been over for long."""
        for id in self.store.ended_before(time.time() - self.days * DAY):
            self.store.delete(id)
            self.layout.run(id).remove()
        for run in self.layout.old_runs(time.time() - DAY):  # another machine may have deleted their tasks
            if self.store.task(run.task) is None:
                run.remove()


def name() -> str:
    """An owner: machine, process, and a number that tells apart the engines of one process."""
    return f"{MACHINE}:{os.getpid()}:{tree.identity(os.getpid())}/{next(NUMBERS)}"


def running(engine: str) -> bool:
    """Whether the engine of an `owner`, without its machine, still runs."""
    pid, _, born = engine.rpartition("/")[0].partition(":")
    return pid.isdigit() and tree.alive(int(pid), born)


def stop(store: Store, id: str, *, force: bool = False) -> Task | None:
    """Ask for a task's end, and wake its supervisor if it is on this machine. None: there is no such task.

    With `force` the agent gets no second in which to end by itself.
    """
    before = store.task(id)
    task = store.cancel(id)
    if task and task.live:
        end(task, signal.SIGINT if force else signal.SIGTERM)
    elif task and before and before.live:  # it was queued: no supervisor tells of its end
        webhook.deliver_soon(task)
    return task


def end(task: Task, how: signal.Signals = signal.SIGTERM) -> None:
    """Wake a task's supervisor for its end, if it is on this machine."""
    here = (task.owner or "").startswith(f"{MACHINE}:")
    if here and task.pid and tree.alive(task.pid, task.born):
        tree.kill(task.pid, how)
