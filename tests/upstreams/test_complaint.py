"""The cases in tests/golden/complaints: what an upstream answered, the fields that it had been sent, what is done.

Each of these words was seen at the provider that the file is named after, or is in its documentation.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from idetour.profile import Target
from idetour.upstreams import complaint
from idetour.upstreams.complaint import expendable, mentions, snake
from idetour.upstreams.quirk import Quirk, line
from idetour.wire.fault import Fault, parse_error

FOLDER = Path(__file__).parent.parent / "golden" / "complaints"
DASHES = "\n" + 40 * "-" + "\n"
CASES = {path.stem: path.read_text("utf-8").split(DASHES) for path in sorted(FOLDER.glob("*.txt"))}


def found(said: str, **fields: Any) -> list[Quirk]:
    body = {"model": "x", "stream": True, "messages": [{"role": "user", "content": "hi"}], **fields}
    return complaint.read(Fault(said), json.dumps(body).encode())


@pytest.mark.parametrize("name", CASES)
def test_a_complaint_leads_to_what_helps(name: str) -> None:
    answered, sent, expected = CASES[name]
    body = {"model": "x", "stream": True, "messages": [{"role": "user", "content": "hi"}], **json.loads(sent)}

    quirks = complaint.read(parse_error(answered.encode()), json.dumps(body).encode())

    told = [
        f"{each}\n  {line(Target('up', 'model'), each) or 'no line of a profile says this'}"
        for each in quirks
    ]
    assert expected.rstrip("\n") == ("\n".join(told) or "nothing")


def test_all_cases_are_read() -> None:
    assert len(CASES) >= 50


def test_a_field_of_the_body_comes_before_a_members_of_the_same_name() -> None:
    messages = [{"role": "assistant", "content": "x", "reasoning": "hm"}]

    assert (
        found("property 'reasoning' is unsupported", reasoning={}, messages=messages)[0].field == "reasoning"
    )
    assert found("property 'reasoning' is unsupported", messages=messages)[0].field == "messages.reasoning"


def test_nothing_is_made_of_a_body_that_is_no_json() -> None:
    assert complaint.read(Fault("unknown parameter: 'seed'"), b"{") == []
    assert complaint.read(Fault("unknown parameter: 'seed'"), b"[" * 10_000) == []


def test_a_complaint_that_is_meant_to_cost_time_costs_none() -> None:
    messages = [[[{"seed": 1}]], *({"role": "user", "content": "hi"} for _ in range(1000))]
    for said in (
        "not tool_choice " * 5000,
        "a_b " * 20_000,
        "[(" * 30_000,
        "x" * 60_000,
        "'a', " * 9000 + "unknown",
    ):
        assert found(said, messages=messages, tool_choice="required")[1:] == []


def test_a_name_that_only_stands_in_the_conversation_is_no_field() -> None:
    messages = [{"role": "user", "content": "what is a `seed`, an unknown parameter?"}]

    assert found("Unknown parameter: 'seed'", messages=messages) == []


def test_so_many_fields_are_dropped_at_once_and_no_more() -> None:
    fields = {f"field_{number}": 1 for number in range(20)}

    assert len(found(f"Unsupported parameter(s): {', '.join(fields)}", **fields)) == complaint.MOST_NAMED


@pytest.mark.parametrize(
    ("path", "may_go"),
    [
        ("temperature", True),
        ("messages", False),
        ("tools", False),
        ("response_format", False),
        ("response_format.json_schema.strict", True),
        ("messages.name", True),
        ("messages.content", False),
        ("messages.tool_calls.id", False),
        ("messages.tool_calls.function.name", False),
        ("messages.content.cache_control", True),
        ("tools.function.strict", True),
        ("tools.function.name", False),
        ("tools.function.parameters.$schema", True),
        ("tools.function.parameters.properties.path.pattern", False),
        ("thinking.display", True),
    ],
)
def test_what_a_request_is_about_never_goes(path: str, may_go: bool) -> None:
    assert expendable(tuple(path.split("."))) is may_go


@pytest.mark.parametrize(
    ("said", "code", "so"),
    [
        ("The encrypted content gAAA...GDc= could not be verified.", "invalid_encrypted_content", True),
        (
            "The encrypted content for item rs_68 could not be verified. Reason: organization_id did not match.",
            None,
            True,
        ),
        ("messages.1.content.0: Invalid `signature` in `thinking` block", None, True),
        ("messages.3.content.0: Invalid `data` in `redacted_thinking` block", None, True),
        (
            "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
            None,
            True,
        ),
        ("Unable to submit request because Thought signature is not valid.", None, True),
        ("Unknown parameter: 'input[1].encrypted_content'.", "unknown_parameter", False),
        ("thinking: Extra inputs are not permitted", None, False),
        ("Invalid type for 'input[2].summary'", "invalid_type", False),
        ("Expected `thinking` or `redacted_thinking`, but found `tool_use`.", None, False),
    ],
)
def test_thoughts_that_cannot_be_read_are_told_from_fields_that_are_not_known(
    said: str, code: str | None, so: bool
) -> None:
    assert complaint.of_seals(Fault(said, code=code)) is so


def test_a_complaint_mentions_a_field_by_its_last_name() -> None:
    assert mentions(Fault("messages.1.assistant.reasoning_content: no"), "messages.reasoning_content")
    assert mentions(Fault("no", param="temperature"), "temperature")
    assert mentions(Fault("`reasoning_content` must be passed back"), "replay")
    assert not mentions(Fault("top_p is unknown"), "temperature")


@pytest.mark.parametrize(
    ("name", "ours"),
    [("presencePenalty", "presence_penalty"), ("Temperature", "temperature"), ("top_p", "top_p")],
)
def test_a_name_is_known_however_it_is_spelled(name: str, ours: str) -> None:
    assert snake(name) == ours


def test_a_name_with_endless_parts_is_looked_for_in_a_few_ways_only() -> None:
    inner: dict[str, Any] = {}
    for _ in range(6):
        inner = {"properties": {"a": inner}}
    way = "tools function parameters properties a " * 100
    body = {"model": "x", "messages": [], "tools": [{"function": {"parameters": inner}}]}
    began = time.process_time()
    complaint.read(Fault("unknown field", param=f"{way} other"), json.dumps(body).encode())

    assert time.process_time() - began < 5  # it was hours, or a RecursionError
