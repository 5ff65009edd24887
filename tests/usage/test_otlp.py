"""Spans as a real collector gets them; off unless it is asked for."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from idetour.usage.otlp import VARIABLE, exporter
from idetour.usage.row import Entry
from usage.rows import attempt, row


class Collector(BaseHTTPRequestHandler):
    got: list[bytes]

    def do_POST(self) -> None:
        self.got.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    Collector.got = []
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", Collector.got
        server.shutdown()
        thread.join()


def test_it_is_off_unless_an_address_is_set() -> None:
    assert exporter({}) is None
    assert exporter({VARIABLE: " "}) is None


def test_a_request_is_a_span_with_its_attempts_below_it(collector: tuple[str, list[bytes]]) -> None:
    address, got = collector
    spans = exporter({VARIABLE: address})
    assert spans
    spans(Entry(row=row(), attempts=(attempt(outcome="failed", status=429), attempt(n=2))))
    spans.close()
    message = ExportTraceServiceRequest()
    message.ParseFromString(got[0])
    found = {span.name: span for span in message.resource_spans[0].scope_spans[0].spans}
    about = {each.key: each.value for each in found["chat gpt-4o"].attributes}

    assert found.keys() == {"chat gpt-4o", "attempt up/model"}
    assert about["gen_ai.usage.input_tokens"].int_value == 100
    assert about["gen_ai.response.model"].string_value == "model"
    assert found["attempt up/model"].parent_span_id == found["chat gpt-4o"].span_id
    assert (
        found["chat gpt-4o"].end_time_unix_nano - found["chat gpt-4o"].start_time_unix_nano == 2_000_000_000
    )


def test_a_collector_that_is_gone_costs_nothing_but_spans(free_port: int) -> None:
    spans = exporter({VARIABLE: f"http://127.0.0.1:{free_port}/v1/traces"})
    assert spans
    spans(Entry(row=row()))
    spans.close()
