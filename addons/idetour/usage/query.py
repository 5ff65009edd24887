"""Questions to the usage store: sums of a span, their course, single requests. Each runs in the store's thread."""

import math
import re
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

from idetour.errors import BadRequest
from idetour.usage.database import COUNTS, SUMS, TOKENS
from idetour.usage.sums import DAY, HOUR, KINDS, MINUTE, OUTCOMES, percentile

type By = Literal["model", "target", "client", "outcome", "hour", "day"]
type Step = Literal["minute", "hour", "day"]

BYS: tuple[By, ...] = get_args(By.__value__)
STEPS: Mapping[Step, int] = MappingProxyType({"minute": MINUTE, "hour": HOUR, "day": DAY})
COLUMNS: Mapping[str, str] = MappingProxyType({"model": "asked", "target": "target", "client": "client"})
UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
MOST_POINTS = 400
MOST_GROUPS = 200
PARTS = {"p50": 0.5, "p95": 0.95}

type Sums = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which requests: those that came in `since` ≤ t < `until`, seconds since 1970, and match all of `only`.

    `only` has columns and what they have to be: `asked`, `target`, `client`.
    """

    since: float
    until: float
    only: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def step(self) -> Step:
        """The finest that gives no more than 400 points and is kept that long."""
        length = self.until - self.since
        if length <= MOST_POINTS * MINUTE and self.since > time.time() - 2 * DAY:
            return "minute"
        return "hour" if length <= MOST_POINTS * HOUR else "day"

    def where(self, step: int) -> tuple[str, list[object]]:
        """The condition on the sums of a step, and its values. What the span touches counts whole."""
        words = ["step = ?", "start >= ?", "start < ?", *(f"{column} = ?" for column in self.only)]
        return " AND ".join(words), [step, self.since // step * step, self.until, *self.only.values()]


def moment(said: str, now: float) -> float:
    """`90m`, `24h`, `7d` and `2w` ago, a date, a date with a time, or seconds since 1970. Raises BadRequest."""
    if found := re.fullmatch(r"([0-9]{1,6})([mhdw])", said):
        return now - int(found[1]) * UNITS[found[2]]
    if re.fullmatch(r"[0-9]{1,11}(\.[0-9]{1,9})?", said):
        return float(said)
    try:
        return datetime.fromisoformat(said).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{said[:40]!r} is no time: say 90m, 24h, 7d, 2w, a date such as 2026-11-20, or seconds since 1970.",
            param="since",
        ) from None


@dataclass(slots=True)
class Group:
    """Sums of requests that have something in common. `costs` is by currency; a Counter adds fractions too."""

    numbers: Counter[str] = field(default_factory=Counter)
    costs: Counter[str] = field(default_factory=Counter)
    times: dict[str, Counter[int]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})

    def add(self, other: "Group") -> None:
        self.numbers.update(other.numbers)
        self.costs.update(other.costs)
        for kind, counts in other.times.items():
            self.times[kind].update(counts)

    def told(self) -> Sums:
        made: Sums = {name: self.numbers[name] for name in (*COUNTS, *TOKENS)}
        made["costs"] = {currency: round(cost, 8) for currency, cost in self.costs.items()}
        for kind, counts in self.times.items():
            made[kind] = {part: percentile(counts, share) for part, share in PARTS.items()}
        return made


def summary(span: Span, by: By | None = None) -> Callable[[sqlite3.Connection], Sums]:
    """Totals, and the same for each group: by requests falling, days and hours as they come."""

    def ask(database: sqlite3.Connection) -> Sums:
        step = HOUR if by == "hour" else DAY if by == "day" else STEPS[span.step()]
        column = {"hour": "start", "day": "start", **COLUMNS}.get(by or "", "''")
        found = summed(database, span, step=step, column=column)
        whole = Group()
        for group in found.values():
            whole.add(group)
        said = {"since": span.since, "until": span.until, "step": name_of(step), "totals": whole.told()}
        return said | {"groups": grouped(found, whole, by)}

    return ask


def grouped(found: Mapping[Any, Group], whole: Group, by: By | None) -> list[Sums]:
    match by:
        case None:
            return []
        case "outcome":
            return [
                {"name": name, "requests": whole.numbers[name]} for name in OUTCOMES if whole.numbers[name]
            ]
        case "hour" | "day":
            return [{"name": stamp(start, by), **found[start].told()} for start in sorted(found)]
    falling = sorted(found, key=lambda name: -found[name].numbers["requests"])
    return [{"name": name, **found[name].told()} for name in falling[:MOST_GROUPS]]


def series(span: Span, step: Step | None = None) -> Callable[[sqlite3.Connection], Sums]:
    """The course of a span, each bucket there, the empty ones too. Raises BadRequest for too many."""
    chosen = step or span.step()
    seconds = STEPS[chosen]
    if (span.until - span.since) / seconds > 10 * MOST_POINTS:
        raise BadRequest(
            f"That is more than {10 * MOST_POINTS:,} points. Ask for a longer step.", param="step"
        )

    def ask(database: sqlite3.Connection) -> Sums:
        found = summed(database, span, step=seconds, column="start")
        starts = range(int(span.since // seconds * seconds), math.ceil(span.until), seconds)
        points = [{"start": start, **found.get(start, Group()).told()} for start in starts]
        return {"since": span.since, "until": span.until, "step": chosen, "points": points}

    return ask


def summed(database: sqlite3.Connection, span: Span, *, step: int, column: str) -> dict[Any, Group]:
    """Sums of what has the same value in a column."""
    where, values = span.where(step)
    columns = ", ".join(f"SUM({name}) AS {name}" for name in SUMS)
    found: dict[Any, Group] = defaultdict(Group)
    for row in database.execute(
        f"SELECT {column} AS name, currency, {columns} FROM sums WHERE {where} GROUP BY 1, 2", values
    ):
        group = found[row["name"]]
        group.numbers.update({name: int(row[name]) for name in (*COUNTS, *TOKENS)})
        if row["currency"]:
            group.costs[row["currency"]] += row["cost"]
    for name, kind, bucket, count in database.execute(
        f"SELECT {column}, kind, bucket, SUM(count) FROM times WHERE {where} GROUP BY 1, 2, 3", values
    ):
        found[name].times[kind][bucket] += count
    return found


def stamp(start: float, by: By) -> str:
    """When a bucket begins, in UTC: a day, or a day and hour."""
    return datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d" if by == "day" else "%Y-%m-%dT%H:00Z")


def name_of(seconds: int) -> Step:
    return next(name for name, step in STEPS.items() if step == seconds)


def checked(by: str) -> By:
    """Raises BadRequest for what is nothing to group by."""
    for known in BYS:
        if known == by:
            return known
    raise BadRequest(f"{by[:40]!r} is nothing to group by. There are {', '.join(BYS)}.", param="by")
