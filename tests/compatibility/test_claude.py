"""An upstream that speaks Messages, asked by Anthropic's own SDK and by OpenAI's."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import openai
import pytest

from endpoints.claude import HI, SAID, THOUGHT, USE, WELL, claude, client, events
from endpoints.conftest import CANARY
from endpoints.talk import ask, chat
from upstream import Answer, Upstream, html, raw_stream, status, stream, whole

if TYPE_CHECKING:
    from conftest import Serving


@pytest.fixture
def two(
    serving: Callable[..., "Serving"],
    profile_file: Callable[..., Any],
    upstreams: Callable[..., Upstream],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[int, Upstream, Upstream]:
    """A port, an upstream that speaks Messages (`c`) and one that speaks Chat (`m`); `both` tries them in this order."""
    monkeypatch.setenv("CANARY", CANARY)
    speaks, other = upstreams(), upstreams()
    text = f"""
upstreams:
  a: {{url: '{speaks.origin}', key: $CANARY, speaks: anthropic}}
  o: {{url: '{other.url}', key: $CANARY}}
models: {{c: a/claude-up, m: o/model}}
routes: {{both: [{{use: c, else: [m]}}]}}
"""
    return serving(profile_file(text)).port, speaks, other


def test_a_client_that_speaks_messages_gets_its_events_as_they_came(
    two: tuple[int, Upstream, Upstream],
) -> None:
    port, speaks, _ = two
    odd = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "citations_delta", "citation": {"n": 1}},
    }
    said = claude(SAID)
    said.insert(3, odd)
    said.insert(1, {"type": "ping"})
    speaks.always(raw_stream(events(*said)))
    answer = ask(port, "POST", "/v1/messages", json.dumps({**WELL, "model": "c", "stream": True}).encode())
    said[0]["message"]["model"] = "c"
    lines = [line.removeprefix(b"data: ") for line in answer.body.splitlines() if line.startswith(b"data: ")]
    assert [json.loads(line) for line in lines] == said
    assert answer.headers["x-idetour-target"] == "a/claude-up"


def test_its_request_goes_on_as_it_came_but_for_the_model_and_the_key(
    two: tuple[int, Upstream, Upstream],
) -> None:
    port, speaks, _ = two
    speaks.always(
        whole({"type": "message", "id": "msg_up", "content": [SAID], "model": "claude-up", "new_in_2027": 1})
    )
    turn = {"role": "assistant", "content": [THOUGHT, SAID]}
    body = {
        **WELL,
        "model": "c",
        "messages": [*HI, turn, *HI],
        "tools": [{"type": "computer_toolset_20260801"}],
    }
    answer = ask(
        port, "POST", "/v1/messages", json.dumps(body).encode(), anthropic_beta="x-1", x_api_key="typed"
    )
    [sent] = speaks.requests
    assert sent.json() == {**body, "model": "claude-up", "stream": False}
    assert (sent.header("x-api-key"), sent.header("anthropic-beta")) == (CANARY, "x-1")
    assert sent.header("anthropic-version") == "2023-06-01"
    assert (answer.json()["model"], answer.json()["new_in_2027"]) == ("c", 1)


def test_openais_sdk_talks_to_claude(two: tuple[int, Upstream, Upstream]) -> None:
    port, speaks, _ = two
    speaks.always(raw_stream(events(*claude(THOUGHT, SAID, USE, stop="tool_use"))))
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="typed", max_retries=0)
    tool: Any = {"type": "function", "function": {"name": "ls", "parameters": {}}}
    with client.chat.completions.stream(
        model="c", messages=HI, tools=[tool], stream_options={"include_usage": True}
    ) as reading:
        said = reading.get_final_completion()
    message = said.choices[0].message
    assert (message.content, said.choices[0].finish_reason) == ("Let me look.", "tool_calls")
    assert message.tool_calls
    assert (message.tool_calls[0].id, message.tool_calls[0].function.arguments) == (
        "toolu_01",
        '{"path": "/"}',
    )
    assert message.to_dict()["reasoning_content"] == "List first."
    assert said.usage
    assert (said.usage.prompt_tokens, said.usage.total_tokens) == (1036, 1093)
    assert b"x_anthropic" not in chat(port, model="c", stream=True).body


def test_a_whole_answer_of_claudes_for_openais_sdk(two: tuple[int, Upstream, Upstream]) -> None:
    port, speaks, _ = two
    message = {
        "type": "message",
        "id": "msg_up",
        "role": "assistant",
        "model": "claude-up",
        "content": [THOUGHT, SAID, USE],
    }
    usage = {"input_tokens": 12, "cache_read_input_tokens": 1024, "output_tokens": 57}
    speaks.always(whole({**message, "stop_reason": "tool_use", "usage": usage}))
    answer = chat(port, model="c").json()
    assert (answer["model"], answer["choices"][0]["finish_reason"], answer["usage"]["total_tokens"]) == (
        "c",
        "tool_calls",
        1093,
    )
    assert answer["choices"][0]["message"]["tool_calls"][0]["id"] == "toolu_01"
    assert "x_anthropic" not in answer


def test_what_claude_signed_goes_back_to_it_through_an_openai_client(
    two: tuple[int, Upstream, Upstream],
) -> None:
    port, speaks, _ = two
    message = {
        "type": "message",
        "id": "msg_up",
        "role": "assistant",
        "model": "claude-up",
        "content": [THOUGHT, USE],
    }
    speaks.always(whole({**message, "stop_reason": "tool_use", "usage": {}}))
    said = chat(port, model="c").json()["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": "toolu_01", "content": "a.py"}
    chat(port, model="c", messages=[*HI, said, result])
    assert speaks.requests[-1].json()["messages"][1]["content"] == [THOUGHT, USE]


@pytest.mark.parametrize("streams", [True, False])
def test_before_the_first_word_the_next_upstream_is_tried_whatever_it_speaks(
    two: tuple[int, Upstream, Upstream], streams: bool
) -> None:
    port, speaks, other = two
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    started = events(claude()[0], error)
    speaks.always(raw_stream(started) if streams else status(529, error))
    other.always(stream("Hello") if streams else whole("Hello"))
    with client(port) as asking:
        if streams:
            with asking.messages.stream(**{**WELL, "model": "both"}) as reading:
                said = reading.get_final_message()
        else:
            said = asking.messages.create(**{**WELL, "model": "both"})
    assert (said.content[0].to_dict()["text"], said.model) == ("Hello", "both")


def test_after_the_first_word_an_error_of_claudes_keeps_its_type(two: tuple[int, Upstream, Upstream]) -> None:
    port, speaks, _ = two
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    speaks.always(raw_stream(events(*claude(SAID)[:3], error)))
    body = json.dumps({**WELL, "model": "c", "stream": True}).encode()
    last = ask(port, "POST", "/v1/messages", body).body.rstrip().splitlines()[-1]
    assert json.loads(last.removeprefix(b"data: "))["error"]["type"] == "overloaded_error"


def test_an_upstream_that_can_count_is_asked(two: tuple[int, Upstream, Upstream]) -> None:
    port, speaks, _ = two
    speaks.always(whole({"input_tokens": 4321}))
    assert client(port).messages.count_tokens(model="c", messages=HI, system="Be brief.").input_tokens == 4321
    [sent] = speaks.requests
    assert (sent.path, sent.header("x-api-key")) == ("/v1/messages/count_tokens", CANARY)
    assert sent.json() == {"model": "claude-up", "messages": HI, "system": "Be brief."}


def test_the_upstream_that_would_answer_is_the_one_that_counts(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Any], upstreams: Callable[..., Upstream]
) -> None:
    """By the rules of the route, which look at what is said and where it is asked."""
    first, second = upstreams(), upstreams()
    for number, upstream in enumerate((first, second)):
        upstream.always(whole({"input_tokens": 1000 + number}))
    text = f"""
upstreams:
  a: {{url: '{first.origin}', speaks: anthropic}}
  b: {{url: '{second.origin}', speaks: anthropic}}
routes:
  r:
    - {{when: {{says: refactor}}, use: b/x}}
    - a/x
"""
    asking = client(serving(profile_file(text)).port)
    counted = [
        asking.messages.count_tokens(model="r", messages=[{"role": "user", "content": said}]).input_tokens
        for said in ("hi", "refactor this")
    ]
    assert counted == [1000, 1001]


@pytest.mark.parametrize("answer", [status(500), html(), whole({"input_tokens": "many"}), whole([])])
def test_an_upstream_that_fails_to_count_leaves_the_estimate(
    two: tuple[int, Upstream, Upstream], answer: Answer
) -> None:
    port, speaks, _ = two
    speaks.always(answer)
    assert client(port).messages.count_tokens(model="c", messages=HI).input_tokens < 30
