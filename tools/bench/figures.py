"""What is measured, what we want to reach, and both as Markdown tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

type Samples = Mapping[str, Mapping[str, Sequence[float]]]  # figure → system → one value a repeat

FIGURES = {  # what a row is called; digits after the point
    "first_1k": ("First token, 1 KB request, ms", 2),
    "first_300k": ("First token, 300 KB request, ms", 2),
    "first_5m": ("First token, 5 MB request, ms", 1),
    "chunk": ("A chunk on its way, 10 streams, µs", 0),
    "cpu_chunk": ("CPU per paced chunk, 10 streams, µs", 0),
    "cpu_burst": ("CPU per chunk of a burst, µs", 1),
    "cpu_request": ("CPU per request of 1 KB, not streamed, ms", 3),
    "requests": ("Requests of 1 KB a second, 8 connections", 0),
    "far": ("New connection and first token, mock 50 ms away, ms", 0),
    "abort": ("Upstream aborted after the client left, ms, worst of 10", 0),
    "idle": ("Memory, idle, MB", 0),
    "held": ("Memory per held stream, KB", 0),
    "grown": ("Memory after many requests / before", 2),
    "start": ("From start to the first answer, s", 2),
}


@dataclass(frozen=True, slots=True)
class Goal:
    """`figure` of `ours` is to be at most `most`: times that of `against`, or as it is."""

    title: str
    figure: str
    ours: str
    most: float
    against: str | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """The median of all repeats, with the least and the greatest."""

    goal: Goal
    value: float
    low: float
    high: float

    @property
    def met(self) -> bool:
        return (self.value if self.goal.against else self.high) <= self.goal.most


FAST, INSPECT = "idetour", "idetour-connect"
GOALS = (
    Goal("First token, 1 KB", "first_1k", FAST, 2.2, "nginx"),
    Goal("First token, 1 KB", "first_1k", FAST, 0.10, "litellm"),
    Goal("First token, 1 KB", "first_1k", FAST, 0.60, "mitmdump"),
    Goal("First token, 300 KB", "first_300k", FAST, 2.2, "nginx"),
    Goal("First token, 300 KB", "first_300k", FAST, 0.08, "litellm"),
    Goal("First token, 5 MB", "first_5m", FAST, 1.7, "nginx"),
    Goal("CPU per paced chunk", "cpu_chunk", FAST, 2.0, "nginx"),
    Goal("CPU per paced chunk", "cpu_chunk", FAST, 0.15, "litellm"),
    Goal("CPU per request, 1 KB", "cpu_request", FAST, 7.5, "nginx"),
    Goal("Memory per held stream", "held", FAST, 1.6, "nginx"),
    Goal("Memory per held stream", "held", FAST, 0.65, "mitmdump"),
    Goal("Memory, idle", "idle", FAST, 0.15, "litellm"),
    Goal("First token, 1 KB", "first_1k", INSPECT, 1.15, "mitmdump-connect"),
    Goal("First token, 300 KB", "first_300k", INSPECT, 1.2, "mitmdump-connect"),
    Goal("CPU per paced chunk", "cpu_chunk", INSPECT, 1.2, "mitmdump-connect"),
    Goal("CPU per chunk of a burst", "cpu_burst", INSPECT, 0.35, "mitmdump-connect"),
    Goal("Memory per held stream", "held", INSPECT, 1.15, "mitmdump-connect"),
    Goal("New connection, 50 ms away", "far", FAST, 0.42, "direct"),
    Goal("New connection, 50 ms away", "far", INSPECT, 0.42, "direct"),
    Goal("Upstream aborted, ms", "abort", FAST, 250),
    Goal("Upstream aborted, ms", "abort", INSPECT, 250),
    Goal("Memory after many requests / before", "grown", INSPECT, 1.5),
    Goal("Memory after many requests / before", "grown", "idetour-web", 1.5),
    Goal("From start to the first answer, s", "start", FAST, 2.0),
)


def reached(goal: Goal, samples: Samples) -> Reached | None:
    """None where one side was not measured. Ratios are taken repeat by repeat: noise hits neighbours alike."""
    values = samples.get(goal.figure, {})
    ours = values.get(goal.ours, ())
    if goal.against:
        ours = [mine / theirs for mine, theirs in zip(ours, values.get(goal.against, ()), strict=False)]
    return Reached(goal, median(ours), min(ours), max(ours)) if ours else None


def figures_table(samples: Samples, order: Sequence[str]) -> str:
    systems = [name for name in order if any(name in values for values in samples.values())]
    rows = [["median", *systems]]
    for figure, (title, digits) in FIGURES.items():
        if values := samples.get(figure):
            rows.append([title, *(cell(values.get(name, ()), digits) for name in systems)])
    return table(rows)


def goals_table(samples: Samples) -> str:
    rows = [["figure", "of", "compared with", "goal", "reached", "[least – most]", ""]]
    for goal in GOALS:
        if found := reached(goal, samples):
            spread = f"[{found.low:.3g} – {found.high:.3g}]"
            verdict = "met" if found.met else f"**missed** by {found.value / goal.most - 1:.0%}"
            rows.append(
                [
                    goal.title,
                    goal.ours,
                    goal.against or "",
                    f"≤ {goal.most:g}",
                    f"{found.value:.3g}",
                    spread,
                    verdict,
                ]
            )
    return table(rows)


def cell(values: Sequence[float], digits: int) -> str:
    return f"{median(values):,.{digits}f}" if values else ""


def table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
