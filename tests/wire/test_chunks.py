import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from idetour.wire.chunks import Relay, Usage
from idetour.wire.sse import DONE, LIMIT
from wire.golden import CASES, Case

LINE_ENDS = [b"\n", b"\r\n", b"\r"]
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
# What these upstreams send, the SDK's types refuse; the client gets it as it came.
LOOSE = {"emoji-cut-in-two", "nothing-but-done", "tool-custom"}
STRICT = [case for case in CASES.values() if case.ends_well and case.name not in LOOSE]


def relay(*, include_usage: bool = True) -> Relay:
    return Relay(model="gpt-4o", include_usage=include_usage, id="chatcmpl-ours", created=1700000000)


def through(*chunks: bytes, include_usage: bool = True) -> bytes:
    passing = relay(include_usage=include_usage)
    return b"".join([*map(passing.feed, chunks), passing.end()])


def chunk(choices: str, **more: str) -> bytes:
    rest = "".join(f',"{key}":{value}' for key, value in more.items())
    return f'data: {{"id":"c","created":1,"model":"m","choices":[{choices}]{rest}}}\n\n'.encode()


def delta(delta: str, finish: str = "null") -> bytes:
    return chunk(f'{{"index":0,"delta":{delta},"finish_reason":{finish}}}')


FINISH = delta("{}", '"stop"')


def outcome(of: Relay) -> str:
    error = of.error and f"error: {of.error.status} {of.error.code}: {of.error.message}"
    lines = [f"content: {of.content}", f"finish: {of.finish}", f"broken: {of.broken}", f"usage: {of.usage}"]
    return "\n".join([*lines, error or "done"])


@each_case
def test_a_stream_goes_on_as_the_golden_case_says(case: Case) -> None:
    passing = relay()

    assert passing.feed(case.upstream) + passing.end() == case.client
    assert outcome(passing) == case.outcome
    assert passing.done is case.ends_well


@each_case
@settings(max_examples=15, deadline=None)
@given(data=st.data(), line_end=st.sampled_from(LINE_ENDS))
def test_the_same_goes_on_wherever_the_bytes_are_cut(
    case: Case, data: st.DataObject, line_end: bytes
) -> None:
    text = case.upstream.replace(b"\n", line_end)
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    pieces = [text[a:b] for a, b in pairwise([0, *sorted(places), len(text)])]

    assert through(*pieces) == case.client


@each_case
def test_the_same_goes_on_without_the_last_blank_line(case: Case) -> None:
    assert through(case.upstream.rstrip(b"\n")) == case.client


@each_case
def test_a_relay_behind_a_relay_changes_nothing(case: Case) -> None:
    if case.ends_well:
        assert through(case.client) == case.client


@pytest.mark.parametrize("case", STRICT, ids=lambda case: case.name)
def test_the_openai_sdk_reads_every_stream_that_ends_well(case: Case) -> None:
    state = ChatCompletionStreamState()
    events = [line.removeprefix(b"data: ") for line in case.client.split(b"\n\n") if line]

    for event in events[:-1]:
        parsed = ChatCompletionChunk.model_validate_json(event)
        assert parsed.model == "gpt-4o"
        state.handle_chunk(parsed)
    assert events[-1] == b"[DONE]"
    for said, whole in zip(state.current_completion_snapshot.choices, case.whole["choices"], strict=True):
        assert said.message.content == whole["message"]["content"]


@given(text=st.text(st.characters(codec="utf-8")), escaped=st.booleans())
def test_text_survives_byte_for_byte(text: str, escaped: bool) -> None:
    said = json.dumps({"content": text}, ensure_ascii=escaped)

    assert f'"delta":{said},'.encode() in through(delta(said))


def test_all_events_of_one_read_go_on_as_one_piece() -> None:
    passing = relay()

    assert passing.feed(delta('{"content":"a"}') + delta('{"content":"b"}')).count(b"data: ") == 2
    assert passing.feed(b"data: ") == b""


@pytest.mark.parametrize(
    "said",
    [
        '"content":"a"',
        '"content":" "',
        '"tool_calls":[{"index":0}]',
        '"function_call":{"name":"f"}',
        '"refusal":"no"',
        '"reasoning":"hm"',
        '"reasoning_content":"hm"',
        '"reasoning_details":[{"data":"x"}]',
        '"audio":{"id":"a"}',
    ],
)
def test_an_event_that_says_something_is_content(said: str) -> None:
    passing = relay()
    passing.feed(delta('{"role":"assistant","content":""}'))
    assert not passing.content

    passing.feed(delta(f'{{"role":"assistant",{said}}}'))
    assert passing.content


@pytest.mark.parametrize(
    "event",
    [
        b": comment\n\n",
        b"data: {}\n\n",
        b"data:\n\n",
        chunk(""),
        chunk("", usage="null"),
        chunk("", usage="{}"),
        b'data: {"choices":null}\n\n',
        b'data: {"choices":""}\n\n',
        b'data: {"type":"ping"}\n\n',
    ],
)
def test_a_heartbeat_is_dropped_without_complaint(event: bytes) -> None:
    passing = relay()

    assert passing.feed(event) == b""
    assert (passing.content, passing.broken, passing.error) == (False, 0, None)


def test_a_finish_alone_is_content() -> None:
    passing = relay()
    passing.feed(FINISH)

    assert (passing.content, passing.finish) == (True, "stop")


def test_usage_goes_on_only_if_the_client_asked_but_is_always_read() -> None:
    usage = chunk("", usage='{"prompt_tokens":2,"completion_tokens":1}')
    passing = relay(include_usage=False)

    assert b"usage" not in passing.feed(FINISH + usage)
    assert passing.usage == Usage(prompt=2, completion=1, total=3)
    assert b'"prompt_tokens":2' in through(FINISH + usage)


def test_an_end_without_finish_or_done_is_an_error_and_gets_no_done() -> None:
    passing = relay()

    assert DONE not in passing.feed(delta('{"content":"a"}')) + passing.end()
    assert passing.error is not None
    assert passing.error.code == "upstream_truncated"
    assert not passing.done


def test_an_upstream_that_says_nothing_at_all_is_an_error() -> None:
    passing = relay()

    assert passing.end() == b""
    assert passing.error is not None


def test_nothing_follows_an_error() -> None:
    passing = relay()
    out = passing.feed(delta('{"content":"a"}') + b'data: {"error":"x"}\n\n' + FINISH + DONE)

    assert out.count(b"data: ") == 1
    assert passing.feed(FINISH + DONE) + passing.end() == b""
    assert not passing.done


def test_nothing_follows_done() -> None:
    passing = relay()

    assert passing.feed(FINISH + DONE).endswith(DONE)
    assert passing.feed(FINISH + DONE) + passing.feed(b'data: {"error":"late"}\n\n') + passing.end() == b""
    assert passing.error is None


def test_an_event_named_error_is_an_error_whatever_it_holds() -> None:
    passing = relay()
    passing.feed(b'event: error\ndata: {"message":"worn out"}\n\n')

    assert passing.error is not None
    assert passing.error.message == "worn out"


def test_a_finished_choice_stays_finished() -> None:
    passing = relay()

    assert (passing.feed(FINISH + delta("{}")) + passing.end()).endswith(DONE)


@pytest.mark.parametrize(
    ("said", "kept"),
    [("0", True), (str(2**53 - 1), True), (str(2**53), False), ("1.5", False), ('"1"', False)],
)
def test_created_is_kept_only_if_it_is_an_integer_that_every_client_can_hold(said: str, kept: bool) -> None:
    out = through(FINISH.replace(b'"created":1', f'"created":{said}'.encode()))

    assert f'"created":{said if kept else 1700000000},'.encode() in out


def test_invalid_utf8_is_replaced_in_its_event_only() -> None:
    said = delta('{"content":"a?b"}').replace(b"?", b"\xff") + delta('{"content":"é"}')
    out = through(said + FINISH)

    assert '"a\ufffdb"' in out.decode()
    assert '"é"' in out.decode()


def test_an_event_without_end_is_an_error_and_what_came_before_goes_on() -> None:
    passing = relay()
    out = passing.feed(delta('{"content":"a"}') + b"data: " + (LIMIT + 2) * b"x")

    assert b'"content":"a"' in out
    assert passing.error is not None
    assert passing.error.code == "upstream_event_too_long"


def test_events_are_counted() -> None:
    passing = relay()
    passing.feed(b"data: {}\n\n" + FINISH + DONE + FINISH)

    assert passing.events == 3


def test_what_is_said_is_measured_without_what_surrounds_it() -> None:
    """Where no usage comes, tokens are estimated from it."""
    made = relay()
    made.feed(delta('{"role":"assistant","content":"","refusal":null}') + delta('{"content":"four"}'))
    made.feed(delta('{"reasoning_content":"hm, six"}') + delta('{"content":"x"}'))

    assert made.said == len("four") + len("hm, six") + len("x")
