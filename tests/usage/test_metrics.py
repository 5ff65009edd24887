"""The page for Prometheus: its format, OpenTelemetry's names, and labels that do not grow."""

import re

import pytest

from idetour.usage.metrics import HELP, MOST_VALUES, Metrics
from idetour.usage.row import Entry
from idetour.wire.usage import Usage
from usage.rows import attempt, entry, row

SAMPLE = re.compile(
    r'^[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? [0-9.e+-]+$'
)
ABOUT = 'gen_ai_operation_name="chat",gen_ai_provider_name="up",gen_ai_request_model="gpt-4o",gen_ai_response_model="model"'


def told(*entries: Entry) -> list[str]:
    metrics = Metrics()
    for each in entries:
        metrics.began()
        metrics.ended(each)
    return metrics.text(dropped=2, resting=[("up/model", True)]).splitlines()


def test_every_line_is_a_sample_or_says_what_one_is() -> None:
    lines = told(entry(), entry(asked='a"b\\c\nd', outcome="failed", status=503, target=None))

    assert [line for line in lines if not line.startswith("# ") and not SAMPLE.match(line)] == []
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} <= HELP.keys()


def test_tokens_and_times_stand_under_opentelemetrys_names() -> None:
    lines = told(entry(), entry())

    assert f'gen_ai_client_token_usage_sum{{{ABOUT},gen_ai_token_type="input"}} 200' in lines
    assert f'gen_ai_client_token_usage_count{{{ABOUT},gen_ai_token_type="output"}} 2' in lines
    assert f"gen_ai_client_operation_duration_seconds_sum{{{ABOUT}}} 4" in lines
    assert f'gen_ai_client_operation_time_to_first_chunk_seconds_bucket{{{ABOUT},le="0.64"}} 2' in lines
    assert f'gen_ai_client_operation_time_to_first_chunk_seconds_bucket{{{ABOUT},le="0.32"}} 0' in lines
    assert f'gen_ai_client_operation_time_to_first_chunk_seconds_bucket{{{ABOUT},le="+Inf"}} 2' in lines


def test_embeddings_are_told_from_chats() -> None:
    lines = told(entry(protocol="embeddings"))

    assert any(
        line.startswith(f"gen_ai_client_token_usage_sum{{{ABOUT.replace('chat', 'embeddings')}")
        for line in lines
    )


def test_requests_attempts_cost_and_what_is_missing_are_counted() -> None:
    tried = (attempt(outcome="failed", status=429), attempt(n=2))
    lines = told(
        Entry(row=row(), attempts=tried),
        entry(tokens=Usage(9, 3), counted="estimate", cost=None, currency=None),
    )

    assert 'idetour_requests_total{client="Trae",outcome="ok",protocol="chat"} 2' in lines
    assert 'idetour_attempts_total{target="up/model",outcome="429"} 1' in lines
    assert 'idetour_attempts_total{target="up/model",outcome="answered"} 2' in lines
    assert 'idetour_cost_total{currency="USD"} 0.001' in lines
    assert 'idetour_usage_missing_total{target="up/model"} 1' in lines
    assert 'idetour_estimate_ratio_bucket{le="1.1"} 1' in lines
    assert 'idetour_cooldown_active{target="up/model"} 1' in lines
    assert "idetour_usage_dropped_total 2" in lines
    assert "idetour_requests_in_flight 0" in lines


def test_a_failed_request_has_the_type_of_its_error() -> None:
    [line] = [line for line in told(entry(outcome="failed", status=503)) if "duration_seconds_count" in line]

    assert 'error_type="503"' in line


@pytest.mark.parametrize("name", ["asked", "client"])
def test_names_of_clients_making_do_not_grow_the_page(name: str) -> None:
    some = len(told(*(entry(**{name: f"n{number}"}) for number in range(MOST_VALUES))))
    many = told(*(entry(**{name: f"n{number}"}) for number in range(3 * MOST_VALUES)))

    assert len(many) - some < 150
    assert any('"other"' in line for line in many)
