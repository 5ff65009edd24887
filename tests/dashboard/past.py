"""A week of requests, so that charts have a course: seeded, so that it is the same each time."""

import random
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from idetour.usage.database import opened
from idetour.usage.row import Attempt, Entry, Row
from idetour.usage.store import FILE, write
from idetour.wire.usage import Usage

DAY = 86400
NIM, PLUS, LOCAL = (
    "nim/qwen/qwen3-coder-480b-a35b-instruct",
    "dashscope/qwen3-coder-plus",
    "local/qwen3-coder:7b",
)
CHANGED = (
    "max_completion_tokens → max_tokens (dashscope: rename)",
    "metadata dropped (dashscope: drop)",
    "temperature 1.8 → 1 (plus: always)",
    "top_p 0.8 added (catalog: with)",
    "messages rewritten (dashscope: developer, dashscope: cache_control)",
    "seed dropped (learned)",
    "reasoning put back",
)
BUSY = "NVIDIA NIM says 429: Too many requests for this model."


def remembered(folder: Path, number: int = 600, days: float = 7.0) -> None:
    """Write them into the state of an idetour that does not run yet."""
    with closing(opened(folder / FILE)) as database, database:
        write(database, [*entries(number, days)])


def entries(number: int, days: float) -> Iterator[Entry]:
    chance, now = random.Random(7), time.time()
    for at in range(number):
        began = now - 120 - chance.random() ** 2 * days * DAY
        kind = chance.choices(("well", "rescued", "failed", "left"), (80, 12, 4, 4))[0]
        yield entry(chance, f"req_{at:020x}", began, kind)


def entry(chance: random.Random, id: str, began: float, kind: str) -> Entry:
    prompt = int(chance.lognormvariate(8.5, 0.9))
    said = int(chance.lognormvariate(5.5, 0.8))
    first = chance.lognormvariate(-0.7, 0.5)
    failed = Attempt(
        n=1,
        target=NIM,
        key="…f3a1",
        began=0.0,
        ended=0.3,
        outcome="failed",
        status=429,
        error=BUSY,
        rest=12.0,
    )
    target = PLUS if kind == "rescued" else chance.choice((NIM, NIM, NIM, LOCAL))
    answered = Attempt(
        n=1, target=target, key="…9c20", began=0.0, ended=first, outcome="answered", status=200
    )
    attempts = {"rescued": (failed, after(answered, 0.3)), "failed": (failed,)}.get(kind, (answered,))
    cost = {PLUS: ("CNY", prompt * 4e-6 + said * 16e-6), NIM: (None, None), LOCAL: (None, None)}[target]
    row = Row(
        id=id,
        began=began,
        client=chance.choices(("Trae", "Claude Code", "curl"), (70, 25, 5))[0],
        path="/v1/chat/completions",
        asked=chance.choices(("gpt-4o", "coder", "small"), (60, 30, 10))[0],
        stream=True,
        target=None if kind == "failed" else target,
        key=answered.key,
        outcome={"left": "left", "failed": "failed"}.get(kind, "ok"),
        status=502 if kind == "failed" else 200,
        error=BUSY if kind == "failed" else None,
        tries=len(attempts),
        tokens=None
        if kind == "failed"
        else Usage(prompt=prompt, completion=said, total=prompt + said, cached=int(prompt * 0.6)),
        counted=None if kind == "failed" else "reported",
        estimate=int(prompt * chance.uniform(0.92, 1.08)),
        first_token=None if kind == "failed" else attempts[-1].ended,
        total=attempts[-1].ended + said / 60,
        cost=None if kind == "failed" else cost[1],
        currency=None if kind == "failed" else cost[0],
        changed=CHANGED if kind == "rescued" else (),
    )
    return Entry(row=row, attempts=attempts)


def after(attempt: Attempt, seconds: float) -> Attempt:
    """The second, which began when the first had failed."""
    ended = attempt.ended + seconds
    return Attempt(
        n=2,
        target=attempt.target,
        key=attempt.key,
        began=seconds,
        ended=ended,
        outcome="answered",
        status=200,
    )
