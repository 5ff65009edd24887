"""Counts and times since the start, as Prometheus reads them, under OpenTelemetry's names for generative AI.

Written by hand: the format is a page, and a library would be one more supplier.
Labels are bounded: names come from clients, and beyond a hundred of a kind they
are all `other`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from idetour.usage.row import Entry, Row

TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_VALUES = 100  # of a label
MOST_SERIES = 500  # of a histogram; labels combine
OTHER = "other"

# Bounds as the semantic conventions advise them.
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576)
RATIOS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.4, 2.0)

HELP = {
    "gen_ai_client_operation_duration_seconds": "How long requests took, from coming in to their end.",
    "gen_ai_client_operation_time_to_first_chunk_seconds": "Until the first content of a stream went to the client.",
    "gen_ai_client_token_usage": "Tokens of a request.",
    "idetour_requests_total": "Requests that have ended.",
    "idetour_refused_total": "Requests of clients that were refused before a model was asked.",
    "idetour_requests_in_flight": "Requests under way.",
    "idetour_attempts_total": "Tries at a target.",
    "idetour_cost_total": "What requests cost, where the price is known.",
    "idetour_usage_missing_total": "Answered requests whose tokens the upstream did not report.",
    "idetour_estimate_ratio": "Tokens of a request as estimated before it was sent, over those reported.",
    "idetour_cooldown_active": "Whether a target is left alone at the moment.",
    "idetour_usage_dropped_total": "Requests that could not be written to the usage store.",
}

type Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Histogram:
    """`counts` has one more than `bounds`, for what lies beyond them all."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Metrics:
    """Counts what has ended; `text` is the page for Prometheus."""

    in_flight: int = 0
    _counters: dict[str, dict[Labels, float]] = field(default_factory=dict)
    _histograms: dict[str, dict[Labels, Histogram]] = field(default_factory=dict)
    _values: dict[str, set[str]] = field(default_factory=dict)

    def began(self) -> None:
        self.in_flight += 1

    def ended(self, entry: Entry) -> None:
        row = entry.row
        self.in_flight -= 1
        self._count("idetour_requests_total", client=row.client, outcome=row.outcome, protocol=row.protocol)
        for each in entry.attempts:
            self._count(
                "idetour_attempts_total", target=each.target, outcome=reason(each.status, each.outcome)
            )
        self._observe_times(row)
        if row.tokens and row.counted == "reported":
            for kind, number in (("input", row.tokens.prompt), ("output", row.tokens.completion)):
                about = self._about(row) | {"gen_ai_token_type": kind}
                self._observe("gen_ai_client_token_usage", TOKENS, number, about)
            if row.estimate and row.tokens.prompt:
                self._observe("idetour_estimate_ratio", RATIOS, row.estimate / row.tokens.prompt, {})
        elif row.outcome == "ok":
            self._count("idetour_usage_missing_total", target=row.target or "")
        if row.cost is not None and row.currency:
            self._count("idetour_cost_total", row.cost, currency=row.currency)

    def refused(self, status: int) -> None:
        self._count("idetour_refused_total", status=str(status))

    def _observe_times(self, row: Row) -> None:
        about = self._about(row)
        failed = row.outcome in ("failed", "broken")
        if row.total is not None:
            error = {"error_type": str(row.status)} if failed else {}
            self._observe("gen_ai_client_operation_duration_seconds", SECONDS, row.total, about | error)
        if row.first_token is not None:
            name = "gen_ai_client_operation_time_to_first_chunk_seconds"
            self._observe(name, SECONDS, row.first_token, about)

    def _about(self, row: Row) -> dict[str, str]:
        provider, _, model = (row.target or "").partition("/")
        return {
            "gen_ai_operation_name": row.operation,
            "gen_ai_provider_name": provider,
            "gen_ai_request_model": row.asked,
            "gen_ai_response_model": model,
        }

    def _count(self, metric: str, by: float = 1, /, **labels: str) -> None:
        counter = self._counters.setdefault(metric, {})
        key = self._bounded(labels)
        counter[key] = counter.get(key, 0.0) + by

    def _observe(
        self, metric: str, bounds: tuple[float, ...], value: float, labels: Mapping[str, str]
    ) -> None:
        histograms = self._histograms.setdefault(metric, {})
        key = self._bounded(labels)
        if key not in histograms:
            if len(histograms) >= MOST_SERIES:
                key = tuple((name, OTHER) for name, _ in key)
            histograms.setdefault(key, Histogram(bounds))
        histograms[key].observe(value)

    def _bounded(self, labels: Mapping[str, str]) -> Labels:
        made = []
        for name, value in labels.items():
            known = self._values.setdefault(name, set())
            if value not in known and len(known) < MOST_VALUES:
                known.add(value)
            made.append((name, value if value in known else OTHER))
        return tuple(made)

    def text(self, *, dropped: int = 0, resting: Iterable[tuple[str, bool]] = ()) -> str:
        """The page. `resting` has each target, and whether it is left alone now."""
        gauges = [((("target", name),), float(rests)) for name, rests in resting]
        lines = [
            *simple("idetour_requests_in_flight", "gauge", [((), float(self.in_flight))]),
            *simple("idetour_cooldown_active", "gauge", gauges),
            *simple("idetour_usage_dropped_total", "counter", [((), float(dropped))]),
        ]
        for name, counter in self._counters.items():
            lines += simple(name, "counter", counter.items())
        for name, histograms in self._histograms.items():
            lines += [*headed(name, "histogram")]
            for labels, histogram in histograms.items():
                lines += buckets(name, labels, histogram)
        return "\n".join(lines) + "\n"


def reason(status: int | None, outcome: str) -> str:
    """Few words for many failures: what was answered decides."""
    return str(status) if outcome == "failed" and status else outcome


def headed(name: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {HELP[name]}"
    yield f"# TYPE {name} {kind}"


def simple(name: str, kind: str, values: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    yield from headed(name, kind)
    yield from (f"{name}{written(labels)} {value:.12g}" for labels, value in values)


def buckets(name: str, labels: Labels, histogram: Histogram) -> Iterator[str]:
    so_far = 0
    for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
        so_far += count
        yield f"{name}_bucket{written((*labels, ('le', f'{bound}')))} {so_far}"
    yield f"{name}_sum{written(labels)} {histogram.total:.9g}"
    yield f"{name}_count{written(labels)} {so_far}"


def written(labels: Labels) -> str:
    escaped = (f'{name}="{escape(value)}"' for name, value in labels)
    return f"{{{','.join(escaped)}}}" if labels else ""


def escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
