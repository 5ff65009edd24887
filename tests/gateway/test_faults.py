"""What upstreams really say when they refuse, and what follows from it."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from idetour.errors import LoopDetected, UpstreamError
from idetour.gateway import faults
from idetour.profile import KnownModel, Profile, Target, Upstream
from idetour.routes.plan import Candidate
from idetour.secret import Secret
from idetour.upstreams.transport import TransportError

KEY = Secret("sk-canary-0123456789abcdef")
NIM, DASHSCOPE = "https://integrate.api.nvidia.com/v1", "https://dashscope.aliyuncs.com/compatible-mode/v1"


def candidate(url: str = NIM, known: KnownModel | None = None) -> Candidate:
    upstream = Upstream(name="up", title="Up", url=url)
    return Candidate(target=Target("up", "some/model"), upstream=upstream, known=known)


def answered(status: int, body: str, url: str = NIM, **headers: str) -> faults.Fault:
    return faults.of_answer(status, headers, body.encode(), candidate(url), KEY)


# status, body → scope, the client's status and code, what may be tried, how long who rests
GOLDEN = """
400 {"error":{"message":"Validation: Unsupported parameter(s): thinking","type":"Bad Request","code":400}}
    request 400 unsupported_parameter
400 {"error":"[{'type': 'extra_forbidden', 'loc': ('body', 'prompt_cache_key')}]"}
    request 400 unsupported_parameter
400 {"status":400,"title":"Bad Request","detail":"Function id '1-2': DEGRADED function cannot be invoked"}
    model 503 overloaded again elsewhere passes busy
400 {"object":"error","message":"max_tokens must be at least 1, got -7","type":"BadRequestError","param":"max_tokens"}
    request 400 context_length_exceeded larger
400 {"error":{"message":"This model's maximum context length is 8192 tokens","type":"BadRequestError","code":400}}
    request 400 context_length_exceeded larger
400 {"object":"error","message":"openai/gpt-oss-120b is not a multimodal model","type":"BadRequestError","code":400}
    request 400 images_not_supported seeing
401 {"status":401,"title":"Unauthorized","detail":"missing authorization"}
    credential 401 invalid_api_key elsewhere 1800s
403 {"status":403,"title":"Forbidden","detail":"Authorization failed"}
    credential 403 invalid_api_key elsewhere 1800s
404 {"status":404,"title":"Not Found","detail":"Function '1-2': Not found for account 'abc'"}
    credential×model 404 model_not_found elsewhere 3600s
404 404 page not found
    credential×model 404 model_not_found elsewhere 3600s
410 {"type":"about:blank","title":"Gone","status":410,"detail":"The model 'z' has reached its end of life"}
    credential×model 404 model_not_found elsewhere 3600s
422 {"title":"Unprocessable Entity","status":422,"detail":"body -> top_k\\n  Extra inputs are not permitted"}
    request 400 unsupported_parameter
429 {"status":429,"title":"Too Many Requests"}
    credential×model 429 rate_limit_exceeded elsewhere passes
500 {"message":"Internal server error","type":"internal_server_error","code":500}
    model 502 upstream_error again elsewhere
502 <html><h1>502 Bad Gateway</h1></html>
    model 502 upstream_error again elsewhere
504
    model 504 upstream_timeout again elsewhere
529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011"}
    model 503 overloaded again elsewhere passes busy
503 {"error":{"message":"ResourceExhausted: Worker local total request limit reached (163/32)","code":503}}
    model 503 overloaded elsewhere passes busy

400 {"error":{"message":"Range of input length should be [1, 98304]","code":"InvalidParameter"}}
    request 400 context_length_exceeded larger
400 {"code":"DataInspectionFailed","message":"Input text data may contain inappropriate content"}
    request 400 content_filter
400 {"code":"Arrearage","message":"Access denied, please make sure your account is in good standing"}
    credential 429 insufficient_quota elsewhere 1800s
400 {"error":{"message":"This model only support stream mode","code":"invalid_parameter_error"}}
    request 400 invalid_parameter_error
401 {"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}
    credential 401 invalid_api_key elsewhere 1800s
403 {"error":{"message":"The free tier has been exhausted","type":"AllocationQuota.FreeTierOnly"}}
    credential×model 429 insufficient_quota elsewhere 1800s
403 {"code":"AccessDenied.Unpurchased","message":"Access denied"}
    credential×model 404 model_not_found elsewhere 3600s
404 {"code":"ModelNotFound","message":"The model x does not exist"}
    credential×model 404 model_not_found elsewhere 3600s
429 {"error":{"message":"Requests rate limit exceeded","code":"limit_requests"}}
    credential×model 429 rate_limit_exceeded elsewhere passes
429 {"error":{"message":"Free allocated quota exceeded.","code":"insufficient_quota"}}
    credential×model 429 insufficient_quota elsewhere 1800s
429 {"error":{"message":"rate","code":"1302"}}
    credential×model 429 rate_limit_exceeded elsewhere passes
503 {"code":"ModelUnavailable","message":"later"}
    model 503 overloaded again elsewhere passes busy

404 {"error":{"message":"No endpoints found that support image input","code":404}}
    request 400 images_not_supported seeing
402 {"error":{"message":"This request requires more credits, or fewer max_tokens.","code":402}}
    credential 429 insufficient_quota elsewhere 1800s
429 {"error":{"message":"Rate limit exceeded: free-models-per-day.","code":429,"metadata":{"headers":{}}}}
    credential×model 429 rate_limit_exceeded elsewhere passes
502 {"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"worker died"}}}
    model 502 upstream_error again elsewhere
404 {"error":{"message":"model \\"x\\" not found","type":"not_found_error","param":null,"code":null}}
    credential×model 404 model_not_found elsewhere 3600s
500 {"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj","type":"server_error"}}
    request 400 images_not_supported seeing
503 {"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}
    model 503 overloaded again elsewhere passes busy
400 {"error":{"code":400,"message":"request (13392 tokens) exceeds","type":"exceed_context_size_error"}}
    request 400 context_length_exceeded larger
501 {"error":{"code":501,"message":"no embeddings here","type":"not_supported_error"}}
    request 501 upstream_error elsewhere
400 {"error":{"message":"bad","type":"BadRequestError","param":null,"code":400}}
    request 400 upstream_error
400 {"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}
    request 400 context_length_exceeded larger
400 {"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 9 + 2 > 10"}}
    request 400 context_length_exceeded larger
400 {"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}
    credential 429 insufficient_quota elsewhere 1800s
400 {"type":"error","error":{"type":"invalid_request_error","message":"temperature: Extra inputs are not permitted"}}
    request 400 unsupported_parameter
429 {"type":"error","error":{"type":"rate_limit_error","message":"This would exceed your rate limit"}}
    credential×model 429 rate_limit_exceeded elsewhere passes
400 {"error":{"message":"Unsupported parameter: 'max_tokens'","param":"max_tokens","code":"unsupported_parameter"}}
    request 400 unsupported_parameter
429 {"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}
    credential 429 insufficient_quota elsewhere 1800s
408 {"error":{"message":"timed out"}}
    model 504 upstream_timeout again elsewhere
307
    model 502 bad_upstream_response elsewhere
508 {"error":{"message":"it came back","code":"loop_detected"}}
    request 508 loop_detected
403 {"error":{"message":"您的账户已欠费","code":"AccessDenied"}}
    credential 429 insufficient_quota elsewhere 1800s
403 <html><title>Just a moment...</title></html>
    endpoint 502 upstream_blocked elsewhere
"""
LINES = [line for line in GOLDEN.splitlines() if line]


@pytest.mark.parametrize(("said", "meant"), list(zip(LINES[::2], LINES[1::2], strict=True)))
def test_what_an_upstream_says_decides_what_follows(said: str, meant: str) -> None:
    status, _, body = said.partition(" ")
    fault = answered(int(status), body)
    wider = fault.elsewhere and not (fault.larger or fault.seeing)
    words = {
        "seeing": fault.seeing,
        "again": fault.again,
        "larger": fault.larger,
        "elsewhere": wider,
        "passes": fault.passes,
    }
    able = [word for word, yes in (words | {"busy": fault.busy}).items() if yes]
    rest = [f"{fault.rest:.0f}s"] if fault.rest else []
    told = [fault.scope, str(fault.error.status), str(fault.error.code), *able, *rest]
    assert " ".join(told) == meant.strip()


def test_the_quota_of_a_minute_at_dashscope_passes_and_that_of_others_does_not() -> None:
    body = '{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}'
    codes = [answered(429, body, url).error.code for url in (DASHSCOPE, NIM)]
    assert codes == ["rate_limit_exceeded", "insufficient_quota"]


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
        (401, {}, "", faults.REFUSED_SECONDS),
        (404, {"retry-after": "7"}, "", faults.GONE_SECONDS),
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
