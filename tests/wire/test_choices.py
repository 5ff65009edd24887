"""What of a choice is written anew, and what is not touched."""

import json
from typing import Any

import pytest

from idetour.wire import raw
from idetour.wire.choices import whole
from idetour.wire.chunks import Relay
from idetour.wire.edits import Edits

CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}


def passed(*events: str, edits: Edits | None = None) -> list[str]:
    relay = Relay(model="m", include_usage=True, id="chatcmpl-ours", created=1, edits=edits)
    said = "".join(f"data: {each}\n\n" for each in [*events, "[DONE]"])
    return relay.feed(said.encode()).decode().split("\n\n")[:-2]


def chunks(*events: Any, edits: Edits | None = None) -> list[Any]:
    """The client's chunks."""
    return [json.loads(line[6:]) for line in passed(*map(json.dumps, events), edits=edits)]


def through(*choices: str) -> list[str]:
    """A choice for each chunk, as it stands in the client's."""
    out = passed(*(f'{{"choices":[{each}]}}' for each in choices))
    return [line.partition('"choices":[')[2].rpartition("]")[0] for line in out]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ('{"index":0,"delta":null}', '{"index":0,"delta":{}}'),
        ('{"index":0}', '{"index":0,"delta":{}}'),
        ('{"index":0,"message":{"content":"a"}}', '{"index":0,"delta":{"content":"a"}}'),
        ('{"index":0,"delta":{"role":null,"content":"a"}}', '{"index":0,"delta":{"content":"a"}}'),
        ('{"index":0,"delta":{},"finish_reason":""}', '{"index":0,"delta":{},"finish_reason":null}'),
    ],
)
def test_what_is_odd_is_written_anew(given: str, wanted: str) -> None:
    assert through(given) == [wanted]


@pytest.mark.parametrize(
    "said",
    [
        '{"index":0, "delta": {"role":"assistant","content":"\\u00e9"} ,"finish_reason":null}',
        '{"index":0,"delta":{"content":"a", "tool_calls":[ ]},"finish_reason":"stop"}',
        '{"index":0,"delta":{"tool_calls": [{"index":0, "id":"c1","type":"function","function":{"name":"ls","arguments":"{}"}}]}}',
    ],
)
def test_what_is_not_odd_is_relayed_as_it_came(said: str) -> None:
    assert through(said) == [said]


def test_an_answer_with_calls_stops_because_of_them() -> None:
    call = json.dumps({"index": 0, "delta": {"tool_calls": [CALL]}, "finish_reason": None})
    end = '{"index":0,"delta":{},"finish_reason":"%s"}'

    assert through(call, end % "stop")[1] == end % "tool_calls"
    assert through(call, end % "length")[1] == end % "length"
    assert through('{"index":0,"delta":{"content":"a"}}', end % "stop")[1] == end % "stop"


def test_calls_and_their_finish_may_come_in_one_chunk() -> None:
    said = json.dumps({"index": 0, "delta": {"tool_calls": [CALL]}, "finish_reason": "stop"})

    assert json.loads(through(said)[0])["finish_reason"] == "tool_calls"


def test_the_ids_of_two_choices_differ() -> None:
    call = {"index": 0, "function": {"name": "ls", "arguments": "{}"}}
    said = [json.dumps({"index": at, "delta": {"tool_calls": [call]}}) for at in (0, 1)]
    found = [json.loads(each)["delta"]["tool_calls"][0]["id"] for each in through(*said)]

    assert found == ["call_ours00", "call_ours100"]


def test_a_chunk_that_is_divided_keeps_its_end_and_its_usage() -> None:
    choice = {
        "index": 0,
        "delta": {"role": "assistant", "content": "<think>a</think>b"},
        "finish_reason": "stop",
        "stop_reason": 7,
    }
    out = chunks({"choices": [choice], "usage": {"prompt_tokens": 1}}, edits=Edits(think="inline"))
    made = [each["choices"][0] for each in out]

    assert [each["delta"] for each in made] == [
        {"role": "assistant"},
        {"reasoning_content": "a"},
        {"content": "b"},
        {},
    ]
    assert [each["finish_reason"] for each in made] == [None, None, None, "stop"]
    assert (made[-1]["stop_reason"], ["usage" in each for each in out]) == (7, [False, False, False, True])


def test_an_end_that_says_nothing_stays_one_chunk() -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop"}

    assert len(chunks({"choices": [choice]}, edits=Edits(think="inline"))) == 1


def test_usage_without_choices_passes_the_editors() -> None:
    assert (
        chunks({"choices": [], "usage": {"prompt_tokens": 1}}, edits=Edits(think="inline"))[0]["choices"]
        == []
    )


@pytest.mark.parametrize(
    ("message", "reason", "wanted", "ends"),
    [
        (
            {"tool_calls": [{"function": {"name": "ls", "arguments": {"a": 1}}}]},
            "stop",
            [["call_x00", '{"a": 1}']],
            "tool_calls",
        ),
        ({"tool_calls": [CALL, CALL]}, "tool_calls", [["c1", "{}"], ["call_x01", "{}"]], "tool_calls"),
        ({"tool_calls": None}, "stop", [], "stop"),
        ({"tool_calls": [CALL]}, "length", [["c1", "{}"]], "length"),
    ],
)
def test_a_whole_answer_is_made_right_too(message: Any, reason: str, wanted: Any, ends: str) -> None:
    choice = raw.fields(json.dumps({"index": 0, "message": message, "finish_reason": reason}).encode())
    made = json.loads(raw.encode(whole(choice, id="chatcmpl-x")))
    calls = made["message"]["tool_calls"] or []

    assert [[call["id"], call["function"]["arguments"]] for call in calls] == wanted
    assert made["finish_reason"] == ends
    assert not any("index" in call for call in calls if call["id"] != "c1")
