"""Reasoning that one upstream has sealed is not shown to another, and a refusal of it is not the client's problem.

The upstreams speak Responses and check seals as OpenAI does: each takes its own.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.asking import Listener, pipelining
from idetour.gateway import pipeline, seals
from idetour.gateway.record import Record
from idetour.gateway.seals import LEFT_OUT, Seals
from idetour.profile import Profile
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat, messages, raw, responses
from idetour.wire.responses_store import Store
from upstream import Upstream, event, raw_stream, status, whole

REFUSAL = "The encrypted content {} could not be verified. Reason: Encrypted content could not be decrypted or parsed."
USER = {"type": "message", "role": "user", "content": "hi"}
HERE, THERE = "https://here.test/v1", "https://there.test/v1"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PAUSE_SECONDS", (0, 0))


def refusal(seal: str) -> dict[str, Any]:
    error = {"message": REFUSAL.format(seal), "type": "invalid_request_error", "param": None}
    return {"error": error | {"code": "invalid_encrypted_content"}}


def sealing(*names: str) -> Callable[..., Any]:
    """An upstream that thinks, and takes the seals of these names; its own is the first."""

    def answer(request: Any) -> Any:
        body = request.json()
        found = [each["encrypted_content"] for each in body["input"] if each["type"] == "reasoning"]
        if strange := [seal for seal in found if seal.split("/")[0] not in names]:
            return status(400, json.dumps(refusal(strange[0])).encode())
        thought = {
            "type": "reasoning",
            "id": "rs",
            "summary": [],
            "encrypted_content": f"{names[0]}/{len(found)}=",
        }
        text = {"type": "output_text", "text": "good", "annotations": []}
        message = {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [text],
        }
        made = {"id": "r", "object": "response", "status": "completed", "output": [thought, message]}
        if not body["stream"]:
            return whole(made)
        items = [
            {"type": f"response.output_item.{stage}", "output_index": at, "item": item}
            for at, item in enumerate(made["output"])
            for stage in ("added", "done")
        ]
        begun = {"type": "response.created", "response": made | {"status": "in_progress", "output": []}}
        return raw_stream(*map(event, [begun, *items, {"type": "response.completed", "response": made}]))

    return answer


@pytest.fixture
def two(
    profiles: Callable[..., Profile], upstreams: Callable[..., Upstream]
) -> tuple[Profile, Upstream, Upstream]:
    one, other = upstreams(), upstreams()
    named = [
        f"{name}: {{url: '{each.url}', speaks: responses}}" for name, each in (("one", one), ("other", other))
    ]
    return profiles(f"upstreams: {{{', '.join(named)}}}"), one, other


def talk(
    profile: Profile, *models: str, items: list[Any] | None = None, streams: bool = True
) -> list[Record]:
    """A conversation in one idetour, each turn with another model; all that was said goes along."""
    history, records = [*(items or ()), USER], []

    async def run() -> None:
        async with pipelining() as shared:
            for model in models:
                body = json.dumps({"model": model, "stream": streams, "input": history, "store": False})
                asked = responses.read(body.encode(), Store())
                record, client = Record(asked=model, door="direct"), Listener()
                await shared.chat(profile, asked.chat, client, key=None, record=record)
                sealed = raw.value(client.heard) if not streams else None
                records.append(record)
                history.extend(given(client.heard, sealed))
                history.append(USER)

    asyncio.run(run())
    return records


def given(heard: bytes, whole_answer: Any) -> list[Any]:
    """The reasoning item that a client of Responses would keep: as its upstream gave it."""
    lines = [line.removeprefix(b"data: ") for line in heard.split(b"\n\n") if line.startswith(b"data: {")]
    chunks = [whole_answer] if whole_answer else map(json.loads, lines)
    said = [each for chunk in chunks for choice in chunk.get("choices", ()) for each in choice.values()]
    details = [
        each["reasoning_details"] for each in said if isinstance(each, dict) and "reasoning_details" in each
    ]
    data = [detail["data"] for each in details for detail in each if "data" in detail]
    return [{"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": each} for each in data]


def sent(upstream: Upstream) -> list[list[str]]:
    """The seals in each request."""
    bodies = [request.json() for request in upstream.requests]
    return [
        [item["encrypted_content"] for item in body["input"] if "encrypted_content" in item]
        for body in bodies
    ]


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
def test_what_one_upstream_sealed_goes_back_there_and_to_no_other(
    two: tuple[Profile, Upstream, Upstream], streams: bool
) -> None:
    profile, one, other = two
    one.always(sealing("one"))
    other.always(sealing("other"))
    records = talk(profile, "one/gpt-6", "other/gpt-6", "other/gpt-7", "one/gpt-6", streams=streams)

    assert [each.outcome for each in records] == ["ok"] * 4
    assert sent(one) == [[], ["one/0="]]
    assert sent(other) == [[], ["other/0="]]
    assert [each.changed for each in records] == [[], [LEFT_OUT], [LEFT_OUT], [LEFT_OUT]]
    assert [each.changes().count(LEFT_OUT) for each in records] == [0, 1, 1, 1]
    assert [LEFT_OUT in each.fitted for each in records] == [False, True, True, True]


def test_what_nobody_here_has_seen_is_tried_and_left_out_from_then_on(
    two: tuple[Profile, Upstream, Upstream],
) -> None:
    """After a restart, or when the conversation began elsewhere."""
    profile, one, _ = two
    one.always(sealing("one"))
    strange = {"type": "reasoning", "summary": [], "encrypted_content": "elsewhere/0="}
    records = talk(profile, "one/gpt-6", "one/gpt-6", items=[strange])

    assert [each.outcome for each in records] == ["ok", "ok"]
    assert sent(one) == [["elsewhere/0="], [], ["one/0="]]  # its own stays, though another was refused


def test_another_key_of_the_same_upstream_may_not_read_it_either(
    two: tuple[Profile, Upstream, Upstream],
) -> None:
    profile, one, _ = two
    one.then(sealing("first key"))
    one.always(sealing("second key"))
    records = talk(profile, "one/gpt-6", "one/gpt-6")

    assert [each.outcome for each in records] == ["ok", "ok"]
    assert sent(one) == [[], ["first key/0="], []]


def test_what_does_not_help_is_tried_once(two: tuple[Profile, Upstream, Upstream]) -> None:
    profile, one, _ = two
    one.always(lambda request: status(400, json.dumps(refusal("cmp_1")).encode()))
    (record,) = talk(
        profile, "one/gpt-6", items=[{"type": "compaction", "encrypted_content": "elsewhere/0="}]
    )

    assert (record.outcome, record.status, len(one.requests)) == ("failed", 400, 1)


def signing(name: str) -> Callable[..., Any]:
    """Anthropic's conditions: signatures are its own, and a call that is answered begins with a thought."""
    thought = {"type": "thinking", "thinking": "hm", "signature": f"{name}=="}
    use = {"type": "tool_use", "id": f"toolu_{name}", "name": "ls", "input": {}}

    def answer(request: Any) -> Any:
        body = request.json()
        said = [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]
        signed = [block["signature"] for blocks in said for block in blocks if "signature" in block]
        if any(signature != f"{name}==" for signature in signed):
            return anthropic_error("messages.1.content.0: Invalid `signature` in `thinking` block")
        if said and "thinking" in body and said[-1][0]["type"] != "thinking":
            return anthropic_error("Expected `thinking` or `redacted_thinking`, but found `tool_use`.")
        message = {
            "id": "msg",
            "type": "message",
            "role": "assistant",
            "model": "x",
            "stop_reason": "tool_use",
        }
        usage = {"input_tokens": 1, "output_tokens": 1}
        return whole({**message, "stop_sequence": None, "content": [thought, use], "usage": usage})

    return answer


def anthropic_error(said: str) -> Any:
    error = {"type": "invalid_request_error", "message": said}
    return status(400, json.dumps({"type": "error", "error": error}).encode())


def test_claude_goes_on_where_the_thoughts_are_anothers(
    profiles: Callable[..., Profile], upstreams: Callable[..., Upstream]
) -> None:
    """Claude Code after a change of the route: it sends all blocks back as they came."""
    one, other = upstreams(), upstreams()
    one.always(signing("one"))
    other.always(signing("other"))
    lines = [
        f"{name}: {{url: '{up.origin}', speaks: anthropic}}" for name, up in (("one", one), ("other", other))
    ]
    profile = profiles(f"upstreams: {{{', '.join(lines)}}}")
    turns: list[Any] = [{"role": "user", "content": "hi"}]
    records: list[Record] = []

    async def run() -> None:
        async with pipelining() as shared:
            for model in ("one/x", "other/x", "other/x"):
                thinking = {"type": "enabled", "budget_tokens": 1024}
                body = {"model": model, "max_tokens": 2048, "messages": turns, "thinking": thinking}
                request = messages.translate(chat.read(json.dumps(body).encode()))
                records.append(Record(asked=model, door="direct"))
                await shared.chat(profile, request, Listener(), key=None, record=records[-1])
                name = model.partition("/")[0]
                thought = {"type": "thinking", "thinking": "hm", "signature": f"{name}=="}
                use = {"type": "tool_use", "id": f"toolu_{name}", "name": "ls", "input": {}}
                result = {"type": "tool_result", "tool_use_id": f"toolu_{name}", "content": "a.py"}
                turns.append({"role": "assistant", "content": [thought, use]})
                turns.append({"role": "user", "content": [result]})

    asyncio.run(run())
    bodies = [request.json() for request in other.requests]
    assert [each.outcome for each in records] == ["ok"] * 3
    assert ["thinking" in body for body in bodies] == [False, True]  # it thinks again as soon as it can
    assert [len(body["messages"][1]["content"]) for body in bodies] == [1, 1]
    assert len(bodies[1]["messages"][3]["content"]) == 2


# The memory itself.


def body(*found: str) -> Outgoing:
    items = [{"type": "reasoning", "encrypted_content": each} for each in found]
    return Outgoing(url=HERE, headers={}, body=json.dumps({"input": items}).encode())


def details(*found: str) -> Any:
    return {"reasoning_details": raw.of([{"type": "reasoning.encrypted", "data": each} for each in found])}


def left(memory: Seals, url: str, *found: str) -> list[str]:
    made, _ = memory.fitting(body(*found), url)
    return [item["encrypted_content"] for item in json.loads(made.body or b"")["input"]]


def test_a_request_without_foreign_seals_is_the_very_same() -> None:
    memory, asked = Seals(), body("a")

    assert memory.fitting(asked, HERE) == (asked, [])
    memory.heard(HERE, details("a"))
    assert memory.fitting(asked, HERE)[0] is asked
    assert memory.fitting(asked, THERE)[1] == [LEFT_OUT]


def test_a_slash_may_be_escaped() -> None:
    memory = Seals()
    memory.heard(HERE, details("a/b"))
    asked = Outgoing(
        url=THERE, headers={}, body=b'{"input":[{"type":"reasoning","encrypted_content":"a\\/b"}]}'
    )

    assert memory.fitting(asked, THERE)[0].body == chat.write({"input": raw.EMPTY_LIST})


def test_a_refusal_is_first_held_against_what_is_not_known_to_be_its_own() -> None:
    memory = Seals()
    memory.heard(HERE, details("own"))
    every = [raw.of("own"), raw.of("strange")]

    assert memory.refuse(HERE, every)
    assert left(memory, HERE, "own", "strange") == ["own"]
    assert memory.refuse(HERE, every)
    assert left(memory, HERE, "own", "strange") == []
    assert not memory.refuse(HERE, every)
    assert left(memory, THERE, "strange") == ["strange"]


def test_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "MOST", 2)
    memory = Seals()
    memory.heard(HERE, details("a", "b", "c"))
    memory.refuse(HERE, [raw.of(each) for each in ("d", "e", "f")])

    assert left(memory, THERE, "a", "b", "c") == ["a"]
    assert left(memory, HERE, "d", "e", "f") == ["d"]
