"""Each request as a span, sent to an OpenTelemetry collector: off unless its address is set.

Needs the extra `idetour[otlp]`. What was said is never in a span. The exporter
has a thread and a queue of its own: a collector that is slow or gone costs
spans and nothing else.
"""

import logging
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from idetour.usage.row import Attempt, Entry, Row

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger("idetour")

VARIABLE = "IDETOUR_OTLP"  # where spans go, as in http://127.0.0.1:4318/v1/traces
NANO = 1_000_000_000
TIMEOUT_SECONDS = 5
CLOSE_SECONDS = 0.5  # for what is left when idetour ends

type Attributes = dict[str, str | int | float | bool]


def exporter(env: Mapping[str, str] = os.environ) -> "Spans | None":
    """None where no address is set, or the extra is not installed: that is said once."""
    if not (address := env.get(VARIABLE, "").strip()):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("%s is set, but OpenTelemetry is not installed: pip install 'idetour[otlp]'", VARIABLE)
        return None
    for name in ("opentelemetry", "urllib3", "requests"):  # a failed export would be a traceback each time
        logging.getLogger(name).setLevel(logging.CRITICAL)
    provider = TracerProvider(resource=Resource.create({"service.name": "idetour"}), shutdown_on_exit=False)
    sending = OTLPSpanExporter(endpoint=address, timeout=TIMEOUT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(sending))
    return Spans(provider)


class Spans:
    """Makes a span of each request, with its attempts below it."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("idetour")

    def __call__(self, entry: Entry) -> None:
        from opentelemetry import trace

        row, began = entry.row, round(entry.row.began * NANO)
        span = self._tracer.start_span(
            f"{row.operation} {row.asked}",
            kind=trace.SpanKind.SERVER,
            start_time=began,
            attributes=about(row),
        )
        context = trace.set_span_in_context(span)
        for each in entry.attempts:
            inner = self._tracer.start_span(
                f"attempt {each.target}",
                context,
                kind=trace.SpanKind.CLIENT,
                start_time=began + round(each.began * NANO),
                attributes=tried(each),
            )
            inner.end(began + round(each.ended * NANO))
        span.end(began + round((row.total or 0.0) * NANO))

    def close(self) -> None:
        """Send what is left; a collector that is slow or gone is not waited for."""
        ending = threading.Thread(target=self._provider.shutdown, name="idetour-otlp", daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)


def about(row: Row) -> Attributes:
    """In the words of the semantic conventions for generative AI, as far as they have any."""
    provider, _, model = (row.target or "").partition("/")
    stated: dict[str, str | int | float | bool | None] = {
        "gen_ai.operation.name": row.operation,
        "gen_ai.provider.name": provider or None,
        "gen_ai.request.model": row.asked,
        "gen_ai.response.model": model or None,
        "gen_ai.response.id": row.id,
        "gen_ai.request.stream": row.stream,
        "gen_ai.response.time_to_first_chunk": row.first_token,
        "gen_ai.usage.input_tokens": row.tokens.prompt if row.tokens else None,
        "gen_ai.usage.output_tokens": row.tokens.completion if row.tokens else None,
        "gen_ai.usage.cache_read.input_tokens": row.tokens.cached if row.tokens else None,
        "gen_ai.usage.reasoning.output_tokens": row.tokens.reasoning if row.tokens else None,
        "error.type": str(row.status) if row.outcome in ("failed", "broken") else None,
        "idetour.client": row.client or None,
        "idetour.outcome": row.outcome,
    }
    return {name: value for name, value in stated.items() if value is not None}


def tried(attempt: Attempt) -> Attributes:
    made: Attributes = {"idetour.target": attempt.target, "idetour.outcome": attempt.outcome}
    return made | ({"http.response.status_code": attempt.status} if attempt.status else {})
