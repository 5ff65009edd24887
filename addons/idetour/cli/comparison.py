"""What `idetour replay` shows: a line for each request and target, and how the answers differ."""

import difflib
import json
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import PurePath
from typing import Any

from idetour.cli.screen import console, duration, table
from idetour.cli.usage import money
from idetour.errors import RequestError
from idetour.gateway.calls import mistake, offered
from idetour.gateway.recording import Recording
from idetour.gateway.said import Said
from idetour.usage.prices import Cost

WORDS = {"upstream_truncated": "broke off", "bad_upstream_response": "no answer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one request at one target. Times in seconds."""

    request: Recording
    target: str
    answered: str = ""  # by whom, where a name may lead to several
    first: float | None = None  # first byte; of streams only
    total: float | None = None
    said: Said | None = None
    cost: Cost | None = None  # None where nobody knows the price
    mistakes: tuple[str, ...] = ()  # in its tool calls
    error: str = ""  # a word or two
    sentence: str = ""

    @property
    def fine(self) -> bool:
        return not (self.error or self.mistakes)

    def timed(self, first: float | None, total: float, answered: str) -> "Outcome":
        return replace(self, first=first, total=total, answered=answered)

    def failed(self, error: str, sentence: str) -> "Outcome":
        return replace(self, error=error, sentence=sentence)

    def heard(self, said: Said, cost: Cost | None = None) -> "Outcome":
        tools = offered(self.request.protocol, self.request.body)
        found = (mistake(call, tools) for call in said.calls)
        return replace(self, said=said, cost=cost, mistakes=tuple(filter(None, found)))


def word(status: int, error: RequestError) -> str:
    """A failure in a word or two."""
    return str(status) if status != 200 else WORDS.get(error.code or "", "error")


def document(outcome: Outcome) -> dict[str, Any]:
    """For programs."""
    told = asdict(outcome)
    del told["request"]
    told["cost"] = outcome.cost and outcome.cost._asdict()
    return {"file": outcome.request.source, "asked": outcome.request.asked, "fine": outcome.fine, **told}


def show(outcomes: list[Outcome]) -> None:
    """The table, and below it what went wrong in sentences."""
    headings = (
        "file",
        "to",
        "ok",
        "first byte",
        "total",
        "in",
        "out",
        "cost",
        "tools",
        "ended",
        "answer",
        "by",
    )
    table(headings, lines(outcomes))
    for sentence in dict.fromkeys(sentences(outcomes)):
        console.print(sentence, style="red")


def lines(outcomes: list[Outcome]) -> Iterator[list[str]]:
    """A line for each file and target; several answers of one target in one line: medians, and what all cost."""
    for source, of_file in groupby(outcomes, key=lambda each: each.request.source):
        cells = [list(found) for _, found in groupby(of_file, key=lambda each: each.target)]
        base = next((each.said for each in cells[0] if each.said), None)
        for place, found in enumerate(cells):
            compared = alike(base, found[0].said) if place else "–"
            yield ["" if place else short(source), *line(found), compared, by(found)]


def line(cells: list[Outcome]) -> Iterator[str]:
    used = [each.said.usage for each in cells if each.said and each.said.usage]
    yield cells[0].target
    fine = sum(each.fine for each in cells)
    yield (f"{fine} of {len(cells)}" if len(cells) > 1 else "✓" if fine else "✗")
    yield duration(median(each.first for each in cells))
    yield duration(median(each.total for each in cells))
    yield f"{median(each.prompt for each in used):,.0f}" if used else "–"
    yield f"{median(each.completion for each in used):,.0f}" if used else "–"
    yield money(spent(cells))
    yield ", ".join(dict.fromkeys(called(each) for each in cells if each.said)) or "–"
    yield ", ".join(dict.fromkeys(each.error or (each.said.finish if each.said else "") for each in cells))


def spent(cells: list[Outcome]) -> dict[str, float]:
    """What all of them cost together, by currency."""
    costs: dict[str, float] = {}
    for each in cells:
        if each.cost:
            costs[each.cost.currency] = costs.get(each.cost.currency, 0.0) + each.cost.amount
    return costs


def called(outcome: Outcome) -> str:
    """How the tool calls are: `2 ok`, `1 of 2 wrong`."""
    calls = len(outcome.said.calls) if outcome.said else 0
    if not calls:
        return "–"
    return f"{len(outcome.mistakes)} of {calls} wrong" if outcome.mistakes else f"{calls} ok"


def by(cells: list[Outcome]) -> str:
    """Who answered, where that is not who was asked."""
    return ", ".join(dict.fromkeys(each.answered for each in cells if each.answered not in ("", each.target)))


def median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def alike(base: Said | None, other: Said | None) -> str:
    """Whether an answer is the first target's; nothing where one of the two is missing."""
    if base is None or other is None:
        return "–"
    return "same" if written(base) == written(other) else "differs"


def written(said: Said) -> list[str]:
    """An answer as lines: its text, then its tool calls with each argument on a line of its own."""
    made = said.text.splitlines()
    for call in said.calls:
        made.append(f"→ {call.name}")
        try:
            arguments = json.dumps(json.loads(call.arguments), ensure_ascii=False, indent=2)
        except ValueError:
            arguments = call.arguments
        made += [f"  {each}" for each in arguments.splitlines()]
    return made


def sentences(outcomes: Iterable[Outcome]) -> Iterator[str]:
    for each in outcomes:
        where = f"{short(each.request.source)} to {each.target}"
        if each.error:
            yield f"{where}: {each.error}: {each.sentence}"
        yield from (f"{where}: {mistake}" for mistake in each.mistakes)


def show_answers(outcomes: list[Outcome]) -> None:
    """The first target's answer, and of each other one what differs."""
    for source, of_file in groupby(outcomes, key=lambda each: each.request.source):
        answers = [(each.target, written(each.said)) for each in firsts(of_file) if each.said]
        if not answers:
            continue
        (base, before), *others = answers
        console.print(f"\n{short(source)}, answered by {base}", style="bold")
        console.print("\n".join(before))
        for target, after in others:
            differing = [*difflib.unified_diff(before, after, base, target, lineterm="", n=2)]
            console.print()
            for text in differing or [f"{target} answers the same"]:
                console.print(text, style={"+": "green", "-": "red", "@": "cyan"}.get(text[:1]))


def firsts(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Of several answers of a target the first that there is."""
    for _, cells in groupby(outcomes, key=lambda each: each.target):
        found = list(cells)
        yield next((each for each in found if each.said), found[0])


def short(source: str) -> str:
    return PurePath(source).name
