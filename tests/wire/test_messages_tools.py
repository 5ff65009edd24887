import json
from typing import Any

import pytest
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import raw
from idetour.wire.messages_tools import TYPED, translate

TYPES = [
    "bash_20241022",
    "bash_20250124",
    "text_editor_20250124",
    "text_editor_20250429",
    "text_editor_20250728",
]
TYPES += ["memory_20250818", "computer_20241022", "computer_20250124", "computer_20251124"]


def made(*tools: Any, **fields: Any) -> dict[str, Any]:
    found, _ = translate({name: raw.of(value) for name, value in {"tools": tools, **fields}.items()})
    read: dict[str, Any] = json.loads(raw.encode(found))
    return read


@pytest.mark.parametrize("type", TYPES)
def test_a_tool_that_the_client_runs_gets_a_schema(type: str) -> None:
    [tool] = made({"type": type, "name": "n"})["tools"]
    function = tool["function"]
    assert (function["name"], function["parameters"]["type"]) == ("n", "object")
    assert set(function["parameters"]["required"]) <= set(function["parameters"]["properties"])
    assert function["description"]


def test_every_schema_is_complete() -> None:
    for _, schema in TYPED.values():
        assert all("type" in each for each in schema["properties"].values())


@pytest.mark.parametrize(
    "type",
    [
        "web_search_20250305",
        "web_fetch_20250910",
        "code_execution_20250825",
        "tool_search_tool_regex_20251119",
        "mcp_toolset",
    ],
)
def test_a_tool_that_only_anthropic_runs_is_left_out_and_the_choice_with_it(type: str) -> None:
    assert made({"type": type, "name": "n"}, tool_choice={"type": "any"}) == {}


def test_a_thousand_tools_are_a_thousand_tools() -> None:
    tools = [{"name": f"t{number}", "input_schema": {"type": "object"}} for number in range(1000)]
    assert len(made(*tools)["tools"]) == 1000


def test_a_schema_goes_on_byte_for_byte() -> None:
    schema = b'{"type":"object","properties":{"n":{"minimum":1.0,"maximum":1E3,"default":"\\u00e9"}}}'
    found, _ = translate({"tools": Raw(b'[{"name":"n","input_schema":%b}]' % schema)})
    assert schema in raw.encode(found)


def test_a_name_that_was_cut_is_told_with_its_way_back() -> None:
    _, names = translate(
        {"tools": raw.of([{"name": "n" * 80, "input_schema": {}}, {"name": "m", "input_schema": {}}])}
    )
    assert list(names.values()) == ["n" * 80]


def test_tools_that_are_no_list_are_refused() -> None:
    with pytest.raises(BadRequest, match=r"^`tools` must be a list"):
        translate({"tools": raw.of("all")})
