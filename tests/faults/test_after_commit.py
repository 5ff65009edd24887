"""After the first content a failure is an error: never a silent end, never another voice, never the same text twice."""

import threading
from collections.abc import Callable

import openai
import pytest

from faults.client import Asking
from idetour.gateway import attempt, delivery
from upstream import Answer, Upstream, call, event, raw_stream, stream, think, until

FAULTS = {
    "reset": stream("Hel", "lo").reset_after(2),
    "closed": stream("Hel", "lo").fin_after(2),
    "ended": stream("Hel", "lo").ends_after(2),
    "closed, HTTP/1.0": stream("Hel", "lo").until_close().ends_after(2),
    "an error": stream("Hel", "lo").then_sends(2, event({"error": {"message": "overloaded"}})),
    "an error by name": stream("Hel", "lo").then_sends(
        2, b'event: error\ndata: {"message": "overloaded"}\n\n'
    ),
    "an error, then [DONE]": stream("Hel", "lo").then_sends(
        2, event({"error": {"message": "overloaded"}}), b"data: [DONE]\n\n"
    ),
    "garbage": stream("Hel", "lo").then_sends(2, *[b"data: <html>\n\n"] * 3),
}
each_fault = pytest.mark.parametrize("answer", FAULTS.values(), ids=FAULTS)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two minutes of silence, in a fifth of a second."""
    monkeypatch.setattr(attempt, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(delivery, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(delivery, "KEEP_ALIVE_SECONDS", 0.05)


@pytest.fixture
def gate() -> threading.Event:
    """Closed until the client has heard the first content. Without it both could come in one read."""
    return threading.Event()


@each_fault
def test_it_is_an_error_and_looks_like_one(
    detour: Callable[..., Asking], upstream: Upstream, key: str, gate: threading.Event, answer: Answer
) -> None:
    upstream.always(answer.held_after(2, gate))
    heard = detour(upstream).chat(gate=gate)
    assert (heard.status, heard.text, heard.finished) == (200, "Hel", False)
    assert heard.error["message"]
    assert key not in heard


@each_fault
def test_nobody_else_is_asked(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], gate: threading.Event, answer: Answer
) -> None:
    first, second = upstreams(), upstreams()
    first.always(answer.held_after(2, gate))
    assert detour(first, second).chat(gate=gate).text == "Hel"
    assert (len(first.requests), second.requests) == (1, [])


@each_fault
def test_the_openai_sdk_raises(
    detour: Callable[..., Asking], upstream: Upstream, gate: threading.Event, answer: Answer
) -> None:
    upstream.always(answer.held_after(2, gate))
    with openai.OpenAI(base_url=f"{detour(upstream).url}/v1", api_key="none", max_retries=0) as client:
        chunks = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        while next(chunks).choices[0].delta.content != "Hel":
            pass
        gate.set()
        with pytest.raises(openai.APIError):
            list(chunks)


@pytest.mark.parametrize("fault", ["an error", "garbage"])
def test_what_comes_in_one_read_with_the_first_content_has_reached_nobody_yet(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], fault: str
) -> None:
    first, second = upstreams(), upstreams()
    first.always(FAULTS[fault].joined())
    heard = detour(first, second).chat()
    assert (heard.text, heard.done, heard.error) == ("Hello, world", True, {})


@pytest.mark.usefixtures("impatient")
def test_silence_is_an_error_in_the_end(detour: Callable[..., Asking], upstream: Upstream) -> None:
    upstream.always(stream("Hel", "lo").stall_after(2))
    heard = detour(upstream).chat()
    assert (heard.text, heard.finished, heard.error["code"]) == ("Hel", False, "upstream_broken")
    assert b": keep-alive\n\n" in heard.body
    assert until(lambda: upstream.requests[0].aborted is not None)


@pytest.mark.usefixtures("impatient")
def test_silence_before_the_first_content_goes_to_another(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    silent, good = upstreams(), upstreams()
    silent.always(stream("Hel").stall_after(1))
    assert detour(silent, good).chat().text == "Hello, world"


@pytest.mark.parametrize(
    "said", [think("Hm."), call("bash", {"command": "ls"})[0]], ids=["reasoning", "a tool call"]
)
def test_reasoning_and_tool_calls_are_content_too(
    detour: Callable[..., Asking],
    upstreams: Callable[..., Upstream],
    gate: threading.Event,
    said: dict[str, object],
) -> None:
    first, second = upstreams(), upstreams()
    first.always(stream(said, "x").reset_after(2).held_after(2, gate))
    heard = detour(first, second).chat(gate=gate)
    assert (heard.finished, bool(heard.error), second.requests) == (False, True, [])


def test_a_slow_start_is_bridged_by_comments(
    detour: Callable[..., Asking], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "HOLD_SECONDS", 0.05)
    monkeypatch.setattr(delivery, "KEEP_ALIVE_SECONDS", 0.05)
    upstream.always(stream("late").late(0.2))
    heard = detour(upstream, first_byte=5).chat()
    assert heard.body.startswith(b": keep-alive\n\n")
    assert (heard.text, heard.done) == ("late", True)


def test_a_failure_after_comments_is_an_error_event(
    detour: Callable[..., Asking], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status is 200 by then: only an event can tell."""
    monkeypatch.setattr(delivery, "HOLD_SECONDS", 0.05)
    upstream.always(stream("late").stall_after(0))
    heard = detour(upstream, first_byte=0.2).chat()
    assert (heard.status, heard.finished, heard.error["code"]) == (200, False, "upstream_timeout")


def test_what_follows_done_is_not_said(detour: Callable[..., Asking], upstream: Upstream) -> None:
    more = b'data: {"choices": [{"index": 0, "delta": {"content": "more"}}]}\n\n'
    upstream.always(stream("Hello").edited(lambda steps: [*steps, more]))
    heard = detour(upstream).chat()
    assert (heard.text, heard.body.endswith(b"data: [DONE]\n\n")) == ("Hello", True)


@pytest.mark.parametrize("size", [1, 7])
def test_two_broken_events_are_dropped_and_the_rest_is_said(
    detour: Callable[..., Asking], upstream: Upstream, size: int
) -> None:
    good = b'data: {"choices": [{"index": 0, "delta": {"content": "%b"}, "finish_reason": %b}]}\n\n'
    upstream.always(
        raw_stream(good % (b"a", b"null"), b"data: {\n\n", b"data: [1]\n\n", good % (b"b", b'"stop"')).split(
            size
        )
    )
    heard = detour(upstream).chat()
    assert (heard.text, heard.done, heard.error) == ("ab", True, {})
