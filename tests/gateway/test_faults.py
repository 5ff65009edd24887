"""Failures, and what follows from them for the client and for the next try."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.failing import DASHSCOPE, KEY, NIM, answered, candidate
from idetour.errors import LoopDetected, UpstreamError
from idetour.gateway import faults
from idetour.gateway.verdict import GONE_SECONDS, REFUSED_SECONDS
from idetour.profile import Profile
from idetour.upstreams.transport import TransportError


def test_the_message_names_the_upstream_and_its_own_words() -> None:
    message = answered(429, '{"status":429,"title":"Too Many Requests"}').error.message
    assert message == "Up (up/some/model): Too Many Requests"


def test_an_upstream_without_words_is_described_by_its_status() -> None:
    assert answered(503, "").error.message == "Up (up/some/model): HTTP 503 without a word"


def test_a_gateway_of_alibabas_that_gives_up_is_told_with_what_helps() -> None:
    told = [answered(504, "", url).error.message for url in (DASHSCOPE, NIM)]
    assert ["shorten the conversation" in message for message in told] == [True, False]


def test_a_retired_model_is_told_with_its_successor(profiles: Callable[..., Profile]) -> None:
    catalog = profiles("models: {m: demo/hello}").catalog
    known = next(each for each in catalog.models.values() if each.retired and each.instead)
    message = faults.of_answer(410, {}, b"gone", candidate(known=known), None).error.message
    assert message.endswith(f"gone ({known.retired}; use {known.instead} instead)")


@pytest.mark.parametrize("before", [0, 470, 480, 490, 500])
@pytest.mark.parametrize(
    "shape", ['{{"error":{{"message":"{}"}}}}', "<html>{}</html>", '{{"error":{{"code":"{}"}}}}']
)
def test_no_part_of_the_key_is_in_the_error_wherever_it_is_cut(before: int, shape: str) -> None:
    body = shape.format("y" * before + KEY.reveal() + " and more")
    error = answered(400, body).error
    assert "sk-c" not in f"{error.message} {error.code} {error.param}"


def test_words_of_any_length_are_cut() -> None:
    body = json.dumps({"error": {"message": "long " * 5000, "code": "c" * 5000}})
    error = answered(400, body).error
    assert len(error.message) < 600
    assert len(error.code or "") == faults.EXCERPT


def test_when_to_come_back_is_passed_on_and_no_other_header() -> None:
    headers = {"retry-after": "7", "retry-after-ms": "7000", "set-cookie": "a=b"}
    error = faults.of_answer(429, headers, b"", candidate(), None).error
    assert error.headers == {"retry-after": "7", "retry-after-ms": "7000"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "rest"),
    [
        (429, {"retry-after": "7"}, "", 7),
        (429, {"retry-after-ms": "1500"}, "", 1.5),
        (429, {}, "", None),
        (402, {"retry-after": "90"}, "", 90),
        (401, {}, "", REFUSED_SECONDS),
        (404, {"retry-after": "7"}, "", GONE_SECONDS),
        (503, {"retry-after": "9"}, "", 9),
        (500, {"retry-after": "9"}, "", None),
    ],
)
def test_the_upstream_says_how_long_who_rests_or_a_rule_does(
    status: int, headers: dict[str, str], body: str, rest: float | None
) -> None:
    assert answered(status, body, **headers).rest == rest


def test_an_error_inside_a_good_answer_is_judged_like_any_other() -> None:
    fault = faults.of_event(UpstreamError(f"busy, {KEY.reveal()}", status=429), candidate(), KEY)
    assert (fault.scope, fault.error.code, KEY.reveal() in fault.error.message) == (
        "credential×model",
        "rate_limit_exceeded",
        False,
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("connect", (502, "upstream_unreachable", "endpoint", False)),
        ("connect_timeout", (504, "upstream_timeout", "endpoint", False)),
        ("first_byte_timeout", (504, "upstream_timeout", "model", False)),
        ("broken", (502, "upstream_broken", "model", True)),
        ("tls", (502, "upstream_tls", "endpoint", False)),
    ],
)
def test_only_a_connection_that_broke_is_tried_again(kind: str, expected: tuple[int, str, str, bool]) -> None:
    fault = faults.of_transport(TransportError(kind, "words"), candidate())  # type: ignore[arg-type]
    assert (fault.error.status, fault.error.code, fault.scope, fault.again) == expected
    assert fault.elsewhere


def test_a_loop_ends_the_search_and_names_the_remedy() -> None:
    fault = faults.of_transport(TransportError("loop", "it came back"), candidate())
    assert isinstance(fault.error, LoopDetected)
    assert (fault.elsewhere, fault.again) == (False, False)
    assert "integrate.api.nvidia.com" in fault.error.message


@pytest.mark.parametrize(
    ("status", "message", "complains"),
    [
        (400, "Unknown parameter: 'seed'.", True),
        (422, "body -> seed\n  Extra inputs are not permitted", True),
        (400, "messages must alternate", True),
        (400, "This model's maximum context length is 8192 tokens", False),
        (400, "data_inspection_failed", False),
        (401, "Unknown parameter: 'seed'.", False),
        (500, "Unknown parameter: 'seed'.", False),
    ],
)
def test_the_upstreams_words_are_kept_where_they_may_be_about_a_field(
    status: int, message: str, complains: bool
) -> None:
    fault = answered(status, json.dumps({"error": {"message": f"{message} {KEY.reveal()}"}}))
    assert (fault.said is not None) is complains
    assert KEY.reveal() not in str(fault.said)


@pytest.mark.parametrize(
    "value", [KEY.reveal(), f"7 {KEY.reveal()}", f"Fri, 20 Nov 2026 11:00:00 {KEY.reveal()}"]
)
def test_when_to_come_back_is_a_time_and_nothing_else(value: str) -> None:
    assert faults.of_answer(429, {"retry-after": value}, b"", candidate(), None).error.headers == {}
    date = {"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}
    assert faults.of_answer(429, date, b"", candidate(), None).error.headers == date


def test_a_key_is_found_where_json_escapes_it_and_so_is_a_proxys_password() -> None:
    escaped = "".join(f"\\u{ord(char):04x}" for char in KEY.reveal())
    assert str(KEY) in answered(400, f'{{"error": {{"message": "bad {escaped}"}}}}').error.message
    behind = candidate()
    proxied = replace(behind, upstream=replace(behind.upstream, proxy="http://me:pass-word-1@proxy:1"))
    for said in ("pass-word-1", base64.b64encode(b"me:pass-word-1").decode()):
        assert said not in faults.of_answer(407, {}, f"no {said}".encode(), proxied, None).error.message
