"""What is known of tasks, and what happened in them: the one place that API, engine and supervisors share.

Events of a task are numbered from 1 without a gap: a client that names the last
one it saw gets exactly the rest. `Store` is what any database has to offer;
`sqlite.py` is the one that needs nothing, `postgres.py` the one for several
machines.

    queued → starting → running → completed | failed | timed_out
       │         └─────────┴→ cancelling → cancelled
       └→ cancelled           (any but queued) → lost: the supervisor died
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from idetour.errors import RequestError

type Status = Literal[
    "queued", "starting", "running", "cancelling", "completed", "failed", "cancelled", "timed_out", "lost"
]
STATUSES: tuple[Status, ...] = Status.__value__.__args__
ACTIVE: tuple[Status, ...] = ("starting", "running", "cancelling")  # has a place among the limited
LIVE: tuple[Status, ...] = ("queued", *ACTIVE)
END = "end"  # the type of the last event of each task

type Said = tuple[str, dict[str, Any]]  # an event before it has a number: its type and its data


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What a task is to do, settled when it is submitted and never changed. No secret is in it."""

    task: str
    working_dir: str  # absolute, real, inside the roots
    provider: str | None = None
    model: str | None = None
    max_steps: int | None = None
    must_patch: bool = False
    tools: list[str] | None = None
    config_file: str | None = None
    route: str = "auto"  # gateway, direct
    gateway: str | None = None  # the origin of the idetour to ask
    trajectory_file: str | None = None  # more copies of results, inside the working directory
    patch_path: str | None = None
    keep_background: bool = False  # leave running what the agent started, when it ends well
    seconds: float = 3600.0  # until it is ended
    idle: float = 900.0  # seconds without any event until it is ended
    output: int = 64 << 20  # bytes that it may write before it is ended
    live: bool = True  # whether events tell what the model says while it says it
    limits: dict[str, int] = {}  # those of limits.py that are not the usual ones
    isolation: str = "none"
    user: str | None = None
    container: str | None = None  # commands, as isolation.py describes them
    container_stop: str | None = None
    metadata: dict[str, Any] = {}
    webhook: str | None = None  # a URL that is told of the end


class Full(RequestError):
    status, code = 503, "queue_full"


class Conflict(RequestError):
    status, type, code = 409, "invalid_request_error", "conflict"


class Unwritable(OSError):
    """The database says no: the disk is full, or the file is gone."""


class Event(msgspec.Struct, frozen=True):
    seq: int
    at: float  # seconds since 1970
    type: str
    data: dict[str, Any]

    def shown(self, task: str) -> dict[str, Any]:
        """As clients get it."""
        return {**self.data, "type": self.type, "task_id": task, "timestamp": self.at, "seq": self.seq}


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds since 1970."""

    id: str
    status: Status
    spec: Spec
    created: float
    priority: int = 0
    started: float | None = None
    finished: float | None = None
    owner: str | None = None  # the engine that claimed it: host and process
    pid: int | None = None  # of the supervisor
    born: str | None = None  # its identity: see tree.py
    success: bool | None = None
    result: str | None = None
    error: str | None = None
    last: int = 0  # the number of its newest event

    @property
    def live(self) -> bool:
        return self.status in LIVE

    def seconds(self, now: float) -> float:
        """How long it has run, or took."""
        return max(0.0, (self.finished or now) - (self.started or self.created))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A task to be stored. The same `key` twice means the same task, if its `digest` is the same too."""

    id: str
    spec: Spec
    priority: int = 0
    key: str | None = None
    digest: str = ""


class Store(Protocol):
    """All calls block; none is made on an event loop. Each may raise Unwritable."""

    def submit(self, order: Order, *, most: int) -> Task:
        """Queue a task, or find the one that its key stands for. Raises Full, Conflict."""

    def task(self, id: str) -> Task | None: ...

    def tasks(
        self, statuses: Collection[Status] = STATUSES, *, limit: int = 100, before: str | None = None
    ) -> list[Task]:
        """The newest first; `before` is the id of the last one that was seen."""

    def counts(self) -> dict[str, int]:
        """How many tasks there are of each status that occurs."""

    def claim(
        self, owner: str, *, limit: int, only: str | None = None, here: int | None = None
    ) -> Task | None:
        """Take the next task that may start: fewer than `limit` run, and none of them in its directory.

        `here` is the limit for the owner's machine, where there are more of them.
        """

    def begin(self, id: str, owner: str, *, pid: int, born: str) -> bool:
        """A supervisor takes the task over; False: it is not this one's any more."""

    def requeue(self, id: str, owner: str) -> bool:
        """Give back a task that was claimed and never begun."""

    def append(self, id: str, said: Sequence[Said], **changes: Any) -> int:
        """Add events, and change columns of the task with them, both or none. The number of the last."""

    def finish(self, id: str, said: Sequence[Said], **changes: Any) -> bool:
        """The same for the end, which a task has once; False: it has had it."""

    def events(self, id: str, *, after: int = 0, limit: int = 1000) -> list[Event]: ...

    def cancel(self, id: str) -> Task | None:
        """Ask for its end; who is queued ends at once. None: there is no such task."""

    def delete(self, id: str) -> None: ...

    def beat(self, id: str) -> Task | None:
        """How it stands; and its supervisor says that it lives."""

    def silent(self, seconds: float) -> list[Task]:
        """Those that run, as it seems, and whose supervisor has not said so for that long."""

    def keep(self, id: str, file: Path) -> None:
        """Let other machines read a file of the task's run."""

    def kept(self, id: str, name: str) -> bytes | None:
        """Such a file; None: there is none, or not yet, or it lies on this machine anyway."""

    def ended_before(self, moment: float) -> list[str]:
        """The tasks that are over since before then."""

    def version(self) -> int:
        """Another number whenever somebody else has written."""

    def close(self) -> None: ...


def encoded(data: dict[str, Any]) -> bytes:
    """Half a surrogate pair, as a tool's broken output may hold it, has no bytes in UTF-8."""
    try:
        return msgspec.json.encode(data)
    except UnicodeEncodeError:
        return msgspec.json.encode(mended(data))


def mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {mended(key): mended(each) for key, each in value.items()}
    return [mended(each) for each in value] if isinstance(value, list) else value
