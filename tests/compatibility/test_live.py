"""A task's token that somebody listens to: whole answers are told as they come, and are what they were before."""

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from compatibility.listening import ASK, asked, listen, told
from conftest import Serving
from endpoints.admin.owning import TOKEN, own
from endpoints.claude import SAID, THOUGHT, claude, events
from endpoints.talk import Answer
from matrix.cells import PROTOCOLS
from matrix.voices import VOICES, Call, Said, Speaks, chat_usage, says
from upstream import Answer as Scripted
from upstream import Request, Upstream, raw_stream, reply, whole

CALLS = (Call("call_1", "ls", {"path": "/"}), Call("call_2", "cat", {"path": "世界"}))
SAYS = {
    "text": Said("Hello, 世界 😀"),
    "thoughts": Said("Yes.", thought="Let me think."),
    "calls": Said(calls=CALLS),
    "all": Said("Look:", thought="I have to look.", calls=CALLS),
}
OURS = re.compile(r"(resp|msg|rs|fc|call|toolu)_[0-9a-f]{16,}\w*")  # ids that are made for each answer


def plain(answer: Answer) -> Any:
    """An answer without what differs in any two: times, our ids, how arguments and the lack of text are written."""
    written = OURS.sub("ours", answer.body.decode())

    def read(members: list[tuple[str, Any]]) -> dict[str, Any]:
        made = {name: value for name, value in members if name not in ("created", "created_at")}
        made |= {"content": None} if made.get("content") == "" else {}
        return made | ({"arguments": json.loads(made["arguments"])} if "arguments" in made else {})

    return json.loads(written, object_pairs_hook=read) | {"id": None}


@pytest.mark.parametrize("kind", SAYS)
@pytest.mark.parametrize("speaks", PROTOCOLS)
@pytest.mark.parametrize("client", ASK)
def test_a_whole_answer_is_the_same_whether_or_not_somebody_listens(
    port: int,
    speaking: dict[Speaks, Upstream],
    grant: dict[str, Any],
    client: str,
    speaks: Speaks,
    kind: str,
) -> None:
    speaking[speaks].requests.clear()
    speaking[speaks].always(says(speaks, SAYS[kind]))
    before = asked(port, client, grant, model=speaks)
    with listen(port, grant) as line:
        line.event()
        after = asked(port, client, grant, model=speaks)
        heard = told(line)

    assert [bool(each.json().get("stream")) for each in speaking[speaks].requests] == [False, True]
    assert plain(after) == plain(before)
    assert (heard[0]["model"], heard[0]["target"]) == (speaks, f"{speaks}/some-model")
    assert "".join(each.get("text", "") for each in heard) == SAYS[kind].text
    assert "".join(each.get("reasoning", "") for each in heard) == SAYS[kind].thought


def test_what_only_messages_can_say_reaches_a_client_that_speaks_it(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any]
) -> None:
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    streamed = claude(THOUGHT, search, SAID, stop="pause_turn")
    streamed[-2]["container"] = {"id": "container_1"}
    message = streamed[0]["message"] | {"content": [THOUGHT, search, SAID], "stop_reason": "pause_turn"}
    message |= {"usage": message["usage"] | {"output_tokens": 57}, "container": {"id": "container_1"}}
    speaking["anthropic"].always(
        lambda asks: raw_stream(events(*streamed)) if asks.json()["stream"] else whole(message)
    )
    before = asked(port, "messages", grant, model="anthropic")
    with listen(port, grant) as line:
        line.event()
        after = asked(port, "messages", grant, model="anthropic")

    assert after.json() == before.json() == message | {"model": "anthropic"}


@pytest.mark.parametrize("client", ASK)
def test_ollamas_own_protocol_is_told_too(
    serving: Callable[..., Serving], profile_file: Callable[..., Path], upstream: Upstream, client: str
) -> None:
    text = f"upstreams: {{up: {{url: '{upstream.origin}', speaks: ollama}}}}\nmodels: {{m: up/x}}"
    port = serving(profile_file(text), admin=TOKEN).port
    grant = own(port, "POST", "/admin/api/tokens", {}).json()
    call = {"function": {"name": "ls", "arguments": {"path": "/"}}}
    ends: dict[str, Any] = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 5}
    steps: list[dict[str, Any]] = [
        {"thinking": "Hm."},
        {"content": "Yes"},
        {"content": "."},
        {"tool_calls": [call]},
    ]
    together = {"role": "assistant", "thinking": "Hm.", "content": "Yes.", "tool_calls": [call]}

    def answer(asks: Request) -> Scripted:
        if not asks.body or not asks.json()["stream"]:
            return whole({"model": "x", "message": together, **ends} if asks.body else {"models": []})
        lines = [{"message": {"role": "assistant", "content": "", **each}, "done": False} for each in steps]
        lines.append({"message": {"role": "assistant", "content": ""}, **ends})
        pieces = [json.dumps({"model": "x", **each}).encode() + b"\n" for each in lines]
        return replace(raw_stream(*pieces), headers=(("content-type", "application/x-ndjson"),))

    upstream.always(answer)
    before = asked(port, client, grant, model="m")
    with listen(port, grant) as line:
        line.event()
        after = asked(port, client, grant, model="m")
        heard = [each for each in told(line) if each["type"] == "delta"]

    assert plain(after) == plain(before)
    assert ["".join(each.get(kind, "") for each in heard) for kind in ("reasoning", "text", "name")] == [
        "Hm.",
        "Yes.",
        "ls",
    ]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("speaks", PROTOCOLS)
def test_it_is_told_while_the_model_still_speaks(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any], speaks: Speaks, stream: bool
) -> None:
    heard = threading.Event()
    pieces = [*VOICES[speaks][0](Said("Hello, world"))]
    speaking[speaks].always(raw_stream(*pieces).held_after(len(pieces) - 3, heard))
    with listen(port, grant) as line, ThreadPoolExecutor() as pool:
        line.event()
        answer = pool.submit(asked, port, "chat", grant, model=speaks, stream=stream)
        assert [line.event()[1]["type"] for _ in range(2)] == ["begin", "delta"]
        assert not answer.done()
        heard.set()
        assert told(line)[-1]["outcome"] == "ok"
        assert answer.result().status == 200


def test_calls_are_told_by_number_with_their_name_once(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any]
) -> None:
    speaking["openai"].always(says("openai", SAYS["calls"]))
    with listen(port, grant) as line:
        line.event()
        asked(port, "chat", grant, model="openai")
        pieces = [each for each in told(line) if each["type"] == "delta"]

    assert [each["name"] for each in pieces if "name" in each] == ["ls", "cat"]
    said = ["".join(each["arguments"] for each in pieces if each["call"] == number) for number in (0, 1)]
    assert [json.loads(each) for each in said] == [call.input for call in CALLS]


def test_anthropics_sdk_gets_its_signature_and_openais_its_items(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any]
) -> None:
    for speaks in PROTOCOLS:
        speaking[speaks].always(says(speaks, SAYS["all"]))
    url, key = f"http://127.0.0.1:{port}", grant["token"]
    hi: Any = [{"role": "user", "content": "hi"}]
    with (
        listen(port, grant) as line,
        anthropic.Anthropic(base_url=url, api_key=key, max_retries=0) as asking,
        openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client,
    ):
        line.event()
        message = asking.messages.create(model="anthropic", messages=hi, max_tokens=99)
        response = client.responses.create(model="responses", input="hi")
        completion = client.chat.completions.create(model="openai", messages=hi)

    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert message.content[0].to_dict()["signature"] == "SIGNED"
    assert [item.type for item in response.output] == ["reasoning", "message", *["function_call"] * 2]
    assert response.output[0].to_dict()["encrypted_content"] == "SEALED"
    assert completion.choices[0].message.content == "Look:"
    assert completion.to_dict()["usage"] == chat_usage()


def test_thoughts_in_the_text_are_told_as_thoughts(
    serving: Callable[..., Serving], profile_file: Callable[..., Path], upstream: Upstream
) -> None:
    text = f"upstreams: {{up: {{url: '{upstream.url}', think: inline}}}}\nmodels: {{m: up/x}}"
    port = serving(profile_file(text), admin=TOKEN).port
    grant = own(port, "POST", "/admin/api/tokens", {}).json()
    upstream.always(reply("<thi", "nk>Hm.</think>", "Yes."))
    with listen(port, grant) as line:
        line.event()
        asked(port, "chat", grant, model="m")
        heard = told(line)

    assert [each.get("reasoning") or each.get("text") for each in heard[1:-1]] == ["Hm.", "Yes."]
