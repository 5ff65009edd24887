import json
from typing import Any

import pytest
from msgspec import Raw

from idetour.wire.repair_types import offered, typed


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("7", {"type": "integer"}, 7),
        (" 7.5\n", {"type": "number"}, 7.5),
        ("True", {"type": "boolean"}, True),
        ("None", {"type": "null"}, None),
        ('{"a": [1]}', {"type": "object"}, {"a": [1]}),
        ("7", {"type": "string"}, "7"),
        (" 7 ", {"type": ["string", "integer"]}, " 7 "),
        ("null", {"type": ["string", "null"]}, None),
        ("7", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, 7),
        ("many", {"type": "integer"}, "many"),
        ("7", {"enum": ["7"]}, "7"),
        ("7", {"type": 7, "anyOf": "x"}, "7"),
        ("7", True, "7"),
        ("7", None, "7"),
    ],
)
def test_a_value_has_the_type_that_its_schema_says(text: str, schema: Any, value: Any) -> None:
    assert typed(text, schema) == value


@pytest.mark.parametrize(
    "tools", ["7", "{}", "[7]", '[{"function":7}]', "[" * 5000, '[{"type":"custom","custom":{"name":"a"}}]']
)
def test_what_is_no_list_of_functions_offers_nothing(tools: str) -> None:
    assert offered(Raw(tools.encode())) == {}


def test_a_tool_without_a_schema_is_offered() -> None:
    tools = [
        {"type": "function", "function": {"name": name, "parameters": schema}}
        for name, schema in (("a", None), ("b", {"properties": []}))
    ]

    assert offered(json.dumps(tools).encode()) == {"a": {}, "b": {}}
