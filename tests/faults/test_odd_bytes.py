"""However an upstream writes its answer, the client reads the same words in the same form."""

import json
import threading
from collections.abc import Callable

import pytest

from faults.client import Asking
from upstream import INVALID, Answer, Upstream, call, raw_stream, stream, think, whole

TEXT = ["Grüße, ", "世界 ", "😀\u2028", '"\\"\r\n\x00']
SAID = "".join(TEXT)

WRITTEN = {
    "as usual": stream(*TEXT),
    "byte by byte": stream(*TEXT).split(1),
    "in threes, slowly": stream(*TEXT).split(3).paced(0.0005),
    "in one write": stream(*TEXT).joined(),
    "with CRLF": stream(*TEXT).lines(b"\r\n"),
    "with CRLF, byte by byte": stream(*TEXT).lines(b"\r\n").split(1).paced(0.0002),
    "with CR": stream(*TEXT).lines(b"\r"),
    "with CR, byte by byte": stream(*TEXT).lines(b"\r").split(1),
    "without [DONE]": stream(*TEXT).without_done(),
    "until the connection closes": stream(*TEXT).until_close(),
    "in gzip, unasked": stream(*TEXT).gzipped(),
    "in gzip, byte by byte": stream(*TEXT).gzipped().split(1),
    "as JSON": whole(SAID),
    "with huge headers": stream(*TEXT).saying(x_huge="h" * 30_000),
}
each_way = pytest.mark.parametrize("answer", WRITTEN.values(), ids=WRITTEN)


@each_way
def test_a_stream_says_the_same(detour: Callable[..., Asking], upstream: Upstream, answer: Answer) -> None:
    upstream.always(answer)
    heard = detour(upstream).chat()
    assert (heard.text, heard.error, heard.cut) == (SAID, {}, None)
    assert heard.choices[-1]["finish_reason"] == "stop"
    assert heard.body.endswith(b"data: [DONE]\n\n")
    assert heard.body.count(b"[DONE]") == 1
    assert {event["model"] for event in heard.events} == {"m"}


@each_way
def test_a_whole_answer_says_the_same(
    detour: Callable[..., Asking], upstream: Upstream, answer: Answer
) -> None:
    upstream.always(answer)
    heard = detour(upstream).chat(stream=False)
    assert heard.headers["content-type"] == "application/json"
    assert (heard.text, heard.json()["model"], heard.json()["object"]) == (SAID, "m", "chat.completion")
    assert heard.json()["choices"][0]["finish_reason"] == "stop"


def test_invalid_utf8_is_replaced_and_the_stream_goes_on(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    upstream.always(stream("be", INVALID, "fore"))
    heard = detour(upstream).chat()
    assert (heard.text, heard.done) == ("be\ufffdfore", True)


def test_a_character_cut_in_two_by_a_pause_arrives_whole(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    first, second = (
        '{"choices":[{"index":0,"delta":{"content":"😀"},"finish_reason":"stop"}]}'.encode().split(b"\x98")
    )
    upstream.always(raw_stream(b"data: " + first + b"\x98", second + b"\n\n").paced(0.05))
    assert detour(upstream).chat().text == "😀"


def test_a_pause_between_cr_and_lf_makes_no_event(detour: Callable[..., Asking], upstream: Upstream) -> None:
    """Its data has two lines: a blank line between them would cut it in two."""
    first = b'data: {"choices":[{"index":0,\r'
    second = b'\ndata: "delta":{"content":"x"},"finish_reason":"stop"}]}\r'
    upstream.always(raw_stream(first, second, b"\n\r", b"\ndata: [DONE]\r", b"\n\r\n").paced(0.03))
    heard = detour(upstream).chat()
    assert (heard.text, len(heard.events), heard.done) == ("x", 1, True)


def test_a_line_of_200_kb_arrives_whole(detour: Callable[..., Asking], upstream: Upstream) -> None:
    upstream.always(stream("x" * 200_000))
    assert detour(upstream).chat().text == "x" * 200_000


def test_a_line_that_does_not_end_is_cut_off(detour: Callable[..., Asking], upstream: Upstream) -> None:
    upstream.always(stream("a", "x" * (5 << 20)))
    heard = detour(upstream).chat()
    assert (heard.finished, heard.error["code"]) == (False, "upstream_event_too_long")


def test_comments_and_other_fields_are_not_the_client_s_business(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    frames = b": OPENROUTER PROCESSING\n\nid: 1\n\nretry: 3\n\ndata: {}\n\n"
    upstream.always(stream("x").edited(lambda steps: [b"\xef\xbb\xbf" + frames, *steps]))
    heard = detour(upstream).chat()
    assert (heard.text, heard.done) == ("x", True)
    assert not any(word in heard.body for word in (b"OPENROUTER", b"retry", b"{}\n\n"))


def test_a_tool_call_and_reasoning_arrive_as_they_were_sent(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    sent = [think("Hm. "), *call("bash", {"command": "ls"})]
    upstream.always(stream(*sent).split(5))
    heard = detour(upstream).chat()
    assert [choice["delta"] for choice in heard.choices[1:-1]] == sent
    assert heard.choices[-1]["finish_reason"] == "tool_calls"


def test_a_stream_is_put_together_for_who_wanted_json(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    upstream.always(stream(think("Hm. "), "ok", *call("bash", {"command": "ls"})))
    message = detour(upstream).chat(stream=False).json()["choices"][0]["message"]
    function = message["tool_calls"][0]["function"]
    assert (message["content"], message["reasoning_content"]) == ("ok", "Hm. ")
    assert (function["name"], json.loads(function["arguments"])) == ("bash", {"command": "ls"})


def test_content_goes_out_as_it_comes(detour: Callable[..., Asking], upstream: Upstream) -> None:
    """The rest is sent only when the first word has been heard."""
    gate = threading.Event()
    upstream.always(stream("now", ", later").held_after(2, gate))
    assert detour(upstream).chat(gate=gate).text == "now, later"
