import json
import time

import pytest

from idetour.wire import raw
from idetour.wire.fault import LONGEST, Fault, is_flat_error, parse_error, upstream_error


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            '{"error":{"message":"No.","type":"invalid_request_error","param":"top_k","code":"unsupported"}}',
            Fault("No.", "invalid_request_error", "unsupported", "top_k"),
        ),
        ('{"error":"body -> top_k"}', Fault("body -> top_k")),
        (
            '{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}',
            Fault("Busy", "overloaded_error"),
        ),
        (
            '{"code":"Throttling.RateQuota","message":"Slower.","request_id":"7"}',
            Fault("Slower.", None, "Throttling.RateQuota"),
        ),
        (
            '{"object":"error","message":"Boom","type":"BadRequestError","param":null,"code":400}',
            Fault("Boom", "BadRequestError", "400"),
        ),
        ('{"status":404,"title":"Not Found","detail":"No function"}', Fault("No function", None, "404")),
        (
            '{"type":"about:blank","title":"Gone","status":410}',
            Fault("Gone", "about:blank", "410"),
        ),
        ('{"detail":"Not authenticated"}', Fault("Not authenticated")),
        (
            '{"detail":[{"loc":["body","n"],"msg":"too big"},{"loc":[],"msg":"bad"},"odd"]}',
            Fault("body.n: too big; : bad; odd"),
        ),
        (
            '[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}]',
            Fault("Quota", None, "429"),
        ),
        (
            '{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"<b>worker</b> died"}}}',
            Fault("Provider returned error: worker died", None, "502"),
        ),
        ('{"error":true,"message":"Odd"}', Fault("Odd")),
        ('{"error":{"code":7}}', Fault('{"code":7}', None, "7")),
        ("404 page not found", Fault("404 page not found")),
        (
            "<html><head><style>p {}</style></head>\n<body><h1>502</h1> Bad\ngateway</body>",
            Fault("502 Bad gateway"),
        ),
        ("", Fault("")),
        ("{}", Fault("")),
        ('"nope"', Fault("nope")),
        ("[]", Fault("")),
    ],
)
def test_every_known_shape_of_an_error_is_read(body: str, expected: Fault) -> None:
    assert parse_error(body.encode()) == expected


def test_a_page_is_cut_to_what_a_sentence_carries() -> None:
    assert len(parse_error(b"x" * 100_000).message) == LONGEST


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert parse_error(b"\xff\xfe broken").message == "\ufffd\ufffd broken"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("429", 429),
        ("503", 503),
        ("1302", 429),
        ("insufficient_quota", 429),
        ("Throttling.RateQuota", 429),
        ("InvalidApiKey", 401),
        ("invalid_api_key", 401),
        ("authentication_error", 401),
        ("Arrearage", 402),
        ("AccessDenied", 403),
        ("ModelNotFound", 404),
        ("overloaded_error", 503),
        ("Service Unavailable", 503),
        ("timeout", 504),
        ("context_length_exceeded", 400),
        ("data_inspection_failed", 400),
        ("BadRequestError", 400),
        ("exceed_context_size_error", 400),
        ("who knows", 502),
        ("200", 502),
    ],
)
def test_the_status_is_guessed_from_the_code(code: str, status: int) -> None:
    assert upstream_error(b'{"error":{"message":"m","code":"%b"}}' % code.encode()).status == status


def test_the_code_outweighs_the_type() -> None:
    error = upstream_error(
        b'{"error":{"message":"m","type":"invalid_request_error","code":"model_not_found"}}'
    )

    assert (error.status, error.type, error.code) == (404, "invalid_request_error", "model_not_found")


def test_a_code_that_only_repeats_the_status_is_not_shown() -> None:
    assert upstream_error(b'{"error":{"message":"m","code":503}}').code == "upstream_error"


def test_an_error_without_words_gets_a_sentence() -> None:
    assert upstream_error(b"").message == "the upstream reported an error and gave no reason"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b'{"object":"error"}', True),
        (b'{"type":"error"}', True),
        (b'{"code":1,"message":"m"}', True),
        (b'{"status":404,"title":"t"}', True),
        (b'{"detail":"d"}', True),
        (b'{"object":"list","data":[]}', False),
        (b'{"type":"ping","message":"m"}', False),
        (b"{}", False),
    ],
)
def test_an_error_is_known_without_the_word(said: bytes, expected: bool) -> None:
    assert is_flat_error(raw.fields(said)) is expected


@pytest.mark.parametrize("part", ["<", "<script>", "<script", "<style ", "<!--"])
def test_a_hostile_page_takes_no_time_that_grows_with_its_square(part: str) -> None:
    began = time.process_time()
    for _ in range(100):
        parse_error((part * 100_000).encode())

    assert time.process_time() - began < 10  # it was half a second for each


def test_a_code_without_end_is_cut() -> None:
    said = parse_error(
        json.dumps({"error": {"message": "no", "code": "c" * 9999, "param": "p" * 9999}}).encode()
    )

    assert (len(said.code or ""), len(said.param or "")) == (LONGEST, LONGEST)
