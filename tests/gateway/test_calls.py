"""Which tool calls a client could run, and what is said of the others."""

import json
from typing import Any

import pytest

from idetour.gateway.calls import mistake, offered
from idetour.gateway.said import Call, Protocol

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
TODO = {
    "type": "object",
    "properties": {"status": {"enum": ["open", "done"]}, "text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
RICH = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "x": {"type": ["number", "null"]},
        "yes": {"type": "boolean"},
        "todos": {"type": "array", "items": {"$ref": "#/$defs/todo"}},
        "either": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "kind": {"const": "file"},
        "tree": {"$ref": "#/$defs/tree"},
    },
    "$defs": {
        "todo": TODO,
        "tree": {"type": "object", "properties": {"child": {"$ref": "#/$defs/tree"}}, "required": ["name"]},
    },
}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, None),
        ({"n": 1, "x": None, "yes": True, "kind": "file", "either": ["a"], "more": {"of": "it"}}, None),
        ({"n": 1.0, "x": 2}, None),
        ({"n": 1.5}, "arguments.n is number, not integer"),
        ({"n": True}, "arguments.n is boolean, not integer"),
        ({"n": "1"}, "arguments.n is string, not integer"),
        ({"x": "2"}, "arguments.x is string, not number or null"),
        ({"kind": "dir"}, 'arguments.kind is "dir", not one of "file"'),
        ({"either": 3}, "arguments.either is integer, not string"),
        ({"todos": [{"text": "a"}, {"status": "open"}]}, "arguments.todos[1].text is missing"),
        (
            {"todos": [{"text": "a", "status": "no"}]},
            'arguments.todos[0].status is "no", not one of "open", "done"',
        ),
        (
            {"todos": [{"text": "a", "id": 1}]},
            "arguments.todos[0].id is not a member that the tool has",
        ),
        ({"tree": {"name": "a", "child": {}}}, "arguments.tree.child.name is missing"),
        ([], "arguments is array, not object"),
        ("text", "arguments is string, not object"),
    ],
)
def test_arguments_are_held_against_the_schema(arguments: Any, said: str | None) -> None:
    found = mistake(Call("t", json.dumps(arguments)), {"t": RICH})

    assert found == (said and f"t: {said}")


def test_a_tool_that_was_not_offered_and_arguments_that_are_no_json() -> None:
    assert mistake(Call("x", "{}"), {"t": SCHEMA}) == "x: no such tool was offered"
    assert str(mistake(Call("t", '{"path": "a'), {"t": SCHEMA})).startswith("t: the arguments are no JSON: ")
    assert mistake(Call("t", ""), {"t": SCHEMA}) == "t: arguments.path is missing"


def test_what_has_no_schema_is_not_checked() -> None:
    assert mistake(Call("t", "*** Begin", free=True), {"t": None}) is None
    assert mistake(Call("t", "{broken"), {"t": None}) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"anyOf": [{"$ref": "#"}]},
        {"$ref": "https://elsewhere/schema"},
        {"$ref": "#/nowhere/to"},
        {"type": "no-such-type", "enum": "no list", "properties": None, "required": None},
        True,
    ],
)
def test_a_strange_schema_neither_complains_nor_hangs(schema: Any) -> None:
    assert mistake(Call("t", '{"a": [{}]}'), {"t": schema}) is None


@pytest.mark.parametrize(
    ("protocol", "tools"),
    [
        (
            "chat",
            [
                {"type": "function", "function": {"name": "t", "parameters": SCHEMA}},
                {"type": "custom", "custom": {"name": "free"}},
            ],
        ),
        ("messages", [{"name": "t", "input_schema": SCHEMA}, {"type": "bash_20250124", "name": "free"}]),
        (
            "responses",
            [
                {"type": "function", "name": "t", "parameters": SCHEMA},
                {"type": "custom", "name": "free"},
                {"type": "web_search"},
            ],
        ),
    ],
)
def test_tools_are_found_in_each_protocol(protocol: Protocol, tools: list[Any]) -> None:
    assert offered(protocol, {"tools": tools}) == {"t": SCHEMA, "free": None}
    assert offered(protocol, {}) == {}


def test_functions_of_old_are_tools_too() -> None:
    assert offered("chat", {"functions": [{"name": "t", "parameters": SCHEMA}]}) == {"t": SCHEMA}
