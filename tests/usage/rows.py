"""Entries for the usage store, each a little different from the last."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from sqlite3 import Connection
from typing import Any

from idetour.usage.database import opened
from idetour.usage.row import Attempt, Entry, Row
from idetour.usage.store import write
from idetour.wire.usage import Usage

NUMBERS = count()
NOW = time.time()


def row(**changes: Any) -> Row:
    made = Row(
        id=f"req_{next(NUMBERS):020x}",
        began=NOW - 60,
        client="Trae",
        asked="gpt-4o",
        target="up/model",
        outcome="ok",
        status=200,
        tries=1,
        tokens=Usage(prompt=100, completion=20, total=120, cached=40, reasoning=5),
        counted="reported",
        estimate=110,
        first_token=0.5,
        total=2.0,
        cost=0.001,
        currency="USD",
    )
    return replace(made, **changes)


def entry(**changes: Any) -> Entry:
    made = row(**changes)
    return Entry(row=made, attempts=(attempt(),))


def attempt(**changes: Any) -> Attempt:
    return replace(
        Attempt(n=1, target="up/model", began=0.0, ended=0.5, outcome="answered", status=200), **changes
    )


def filled(*entries: Entry) -> Connection:
    """A database in memory with these in it. Whoever asks for it closes it."""
    database = opened(None)
    with database:
        write(database, [*entries])
    return database


def asked[T](question: Callable[[Connection], T], *entries: Entry) -> T:
    """What a question finds among these."""
    with closing(filled(*entries)) as database:
        return question(database)


def many(number: int, days: float) -> Iterator[Entry]:
    """Requests of all kinds, spread over so many days until now."""
    chance = random.Random(7)
    for _ in range(number):
        yield entry(
            began=NOW - chance.random() * days * 86400,
            asked=chance.choice(("gpt-4o", "coder", "sonnet", "small")),
            target=chance.choice(("nim/a", "nim/b", "claude/c", "dashscope/d", "ollama/e")),
            client=chance.choice(("Trae", "Cursor", "Claude Code", "curl")),
            outcome=chance.choice(("ok", "ok", "ok", "ok", "failed", "left")),
            first_token=chance.lognormvariate(-0.5, 1),
            total=chance.lognormvariate(1, 1),
            currency=chance.choice(("USD", "CNY")),
        )
