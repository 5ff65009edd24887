import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from idetour.errors import UpstreamError
from idetour.wire.chunks import Relay, Usage
from idetour.wire.completion import Collector, explode, restamp, spoken
from idetour.wire.sse import DONE
from wire.golden import CASES, Case

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
WELL = {name: case for name, case in CASES.items() if case.ends_well and case.whole["choices"]}
each_answer = pytest.mark.parametrize("case", WELL.values(), ids=WELL.keys())


def collect(*chunks: bytes) -> Any:
    collector = Collector(model="gpt-4o", id="chatcmpl-ours", created=1700000000)
    for chunk in chunks:
        collector.feed(chunk)
    return json.loads(collector.result())


def exploded(answer: Any, *, include_usage: bool = True) -> bytes:
    body = json.dumps(answer, ensure_ascii=False, indent=1).encode()
    return explode(body, model="gpt-4o", id="chatcmpl-ours", created=1700000000, include_usage=include_usage)


def answer(message: dict[str, Any], **choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, "refusal": None} | message
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"} | choice
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {
        "id": "x", "object": "chat.completion", "created": 5, "model": "gpt-4o",
        "choices": [choice], "usage": usage, "system_fingerprint": "fp",
    }  # fmt: skip


CALL = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": '{"path": "a \\"b\\"\\n😀"}'}}
texts = st.text(st.characters(codec="utf-8"), min_size=1)
calls = st.builds(
    lambda id, name, arguments: {
        "id": id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    },
    texts,
    texts,
    texts,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "content": st.none() | texts,
        "refusal": st.none() | texts,
        "reasoning_content": texts,
        "reasoning": texts,
        "reasoning_details": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("reasoning.text"), "text": texts}, optional={"signature": texts}
            ),
            min_size=1,
        ),
        "tool_calls": st.lists(calls, min_size=1, unique_by=lambda call: call["id"]),
        "function_call": st.fixed_dictionaries({"name": texts, "arguments": texts}),
        "annotations": st.lists(st.dictionaries(texts, texts)),
        "something_new": texts | st.integers() | st.lists(st.integers()),
    },
)


@each_case
def test_a_stream_is_put_together_as_the_golden_case_says(case: Case) -> None:
    if case.ends_well:
        assert collect(case.upstream) == case.whole
    else:
        with pytest.raises(UpstreamError) as failed:
            collect(case.upstream)
        assert failed.value.message == case.whole


@each_answer
@settings(max_examples=5, deadline=None)
@given(data=st.data(), line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_the_same_is_put_together_wherever_the_bytes_are_cut(
    case: Case, data: st.DataObject, line_end: bytes
) -> None:
    text = case.upstream.replace(b"\n", line_end)
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=20))

    assert collect(*(text[a:b] for a, b in pairwise([0, *sorted(places), len(text)]))) == case.whole


@each_answer
def test_the_openai_sdk_accepts_every_answer(case: Case) -> None:
    assert ChatCompletion.model_validate(case.whole).model == "gpt-4o"


@each_answer
def test_every_answer_can_be_streamed_and_put_together_again(case: Case) -> None:
    assert collect(exploded(case.whole)) == case.whole


@settings(deadline=None)
@given(st.lists(messages, min_size=1, max_size=3))
def test_what_is_streamed_adds_up_to_what_it_was(said: list[dict[str, Any]]) -> None:
    whole = answer({})
    whole["choices"] = [
        answer(message, index=index, finish_reason="length")["choices"][0]
        for index, message in enumerate(said)
    ]

    assert collect(exploded(whole)) == whole


@settings(max_examples=30, deadline=None)
@given(messages)
def test_what_is_streamed_passes_a_relay_unchanged(message: dict[str, Any]) -> None:
    stream = exploded(answer(message))
    relay = Relay(model="gpt-4o", include_usage=True, id="chatcmpl-ours", created=1700000000)

    assert relay.feed(stream) == stream


def test_the_openai_sdk_reads_what_is_streamed() -> None:
    logprobs = {
        "content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}],
        "refusal": None,
    }
    text = 'a "quoted"\nline, 😀 and \u2028'
    whole = answer({"content": text, "tool_calls": [CALL, CALL | {"id": "c2"}]}, logprobs=logprobs)
    state = ChatCompletionStreamState()
    events = [line.removeprefix(b"data: ") for line in exploded(whole).split(b"\n\n") if line]

    for event in events[:-1]:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(event))
    said = state.get_final_completion()
    assert events[-1] == b"[DONE]"
    assert said.choices[0].message.content == text
    assert [call.function.arguments for call in said.choices[0].message.tool_calls or ()] == 2 * [
        CALL["function"]["arguments"]  # type: ignore[index]
    ]
    assert said.choices[0].logprobs is not None
    assert said.usage is not None


def test_a_stream_has_its_parts_in_the_order_of_speech() -> None:
    whole = answer(
        {"tool_calls": [CALL], "content": "c", "reasoning_content": "r"}, finish_reason="tool_calls"
    )
    events = [json.loads(line[6:]) for line in exploded(whole).split(b"\n\n")[:-2]]
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]

    assert [list(delta) for delta in deltas] == [
        ["role", "content", "refusal"],
        ["reasoning_content"],
        ["content"],
        ["tool_calls"],
        [],
    ]
    assert deltas[3]["tool_calls"] == [{"index": 0} | CALL]


def test_choices_are_put_in_order() -> None:
    said = [
        b'data: {"choices":[{"index":%d,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n' % index
        for index in (1, 0)
    ]

    assert [choice["index"] for choice in collect(*said)["choices"]] == [0, 1]


def test_usage_is_streamed_only_if_asked_for() -> None:
    whole = answer({"content": "a"})

    assert b"usage" not in exploded(whole, include_usage=False)
    assert exploded(whole).endswith(DONE)
    assert b'"choices":[],"usage":{' in exploded(whole)


def test_arguments_that_came_as_an_object_are_streamed_as_text() -> None:
    call = CALL | {"function": {"name": "ls", "arguments": {"path": "a"}}}
    said = collect(exploded(answer({"tool_calls": [call]})))

    assert json.loads(said["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == {
        "path": "a"
    }


def test_an_answer_from_nim_can_be_streamed() -> None:
    message = {"content": "4", "reasoning_content": "Need 2+2.", "tool_calls": []}
    said = collect(exploded(answer(message, stop_reason=None)))

    assert said["choices"][0]["message"] == {
        "role": "assistant",
        "content": "4",
        "refusal": None,
        "reasoning_content": "Need 2+2.",
    }
    assert said["choices"][0]["finish_reason"] == "stop"


def test_a_collector_knows_the_usage() -> None:
    collector = Collector(model="m", id="i", created=1)
    collector.feed(exploded(answer({"content": "a"})))

    assert collector.usage == Usage(prompt=3, completion=2, total=5)


def test_restamping_changes_the_model_and_no_other_byte() -> None:
    body = b'{"id":"x","model":"real","choices":[ {"message": {"content":"model \\u00e9 real"}} ],"n":1.50}'
    out, usage, error = restamp(body, "gpt-4o")

    assert out == body.replace(b'"model":"real"', b'"model":"gpt-4o"')
    assert (usage, error) == (None, None)


def test_restamping_reads_the_usage() -> None:
    _, usage, _ = restamp(json.dumps(answer({"content": "a"})).encode(), "m")

    assert usage == Usage(prompt=3, completion=2, total=5)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b'{"error":{"message":"No","code":429}}', 429, "No"),
        (b'{"choices":[{"index":0,"error":{"code":502,"message":"Lost"},"message":{}}]}', 502, "Lost"),
        (b'{"code":"Throttling","message":"Slower","request_id":"1"}', 429, "Slower"),
        (
            b'{"choices":[{"message":{},"finish_reason":"error"}]}',
            502,
            "the upstream ended its answer with an error",
        ),
        (b"[]", 502, "the upstream answered with something that is no completion: nothing"),
        (b"<h1>Welcome</h1>", 502, "the upstream answered with something that is no completion: Welcome"),
        (b"", 502, "the upstream answered with something that is no completion: nothing"),
    ],
)
def test_an_error_inside_a_good_status_is_found(body: bytes, status: int, message: str) -> None:
    out, usage, error = restamp(body, "m")

    assert (out, usage) == (body, None)
    assert error is not None
    assert error.status == status
    assert error.message.startswith(message)
    with pytest.raises(UpstreamError):
        explode(body, model="m", id="i", created=1, include_usage=True)


def test_what_a_completion_says_is_counted_without_the_json_around_it() -> None:
    message = {"role": "assistant", "content": "Hello", "reasoning_content": "hm", "annotations": ["x" * 99]}
    body = json.dumps({"id": "x" * 99, "choices": [{"index": 0, "message": message}]}).encode()

    assert spoken(body) == len('"Hello"') + len('"hm"')
