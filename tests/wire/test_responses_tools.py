"""What the golden cases of tests/golden/wire/responses/requests do not show."""

from collections.abc import Mapping

import pytest
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import raw
from idetour.wire.responses_tools import Known, Toolbox, read


def offered(*tools: Mapping[str, object], **more: object) -> Toolbox:
    return read({"tools": raw.of(list(tools)), **{name: raw.of(value) for name, value in more.items()}})


def test_a_tool_is_known_by_the_name_that_the_client_gave_it() -> None:
    close = {"type": "function", "name": "close"}
    tools = offered(
        {"type": "custom", "name": "note"}, {"type": "namespace", "name": "agents", "tools": [close]}, close
    )

    assert Known("note", custom=True) == tools.known_as("note")
    assert Known("close", "agents") == tools.known_as("agents__close")
    assert Known("close") == tools.known_as("close")


def test_a_tool_that_was_never_offered_keeps_its_name() -> None:
    assert Known("invented") == Toolbox().known_as("invented")


@pytest.mark.parametrize("value", [b"null", b"[]"])
def test_no_tools_leave_nothing_to_say(value: bytes) -> None:
    asked = {"tools": Raw(value), "tool_choice": Raw(b'"auto"'), "parallel_tool_calls": Raw(b"true")}

    assert read(asked).fields == {}


def test_a_schema_goes_on_byte_for_byte() -> None:
    schema = (
        b'{ "type": "object", "$defs": {"a": {"type": ["string", "null"]}}, "additionalProperties": false}'
    )
    tools = read({"tools": Raw(b'[{"type":"function","name":"f","parameters":%b}]' % schema)})

    assert schema in bytes(tools.fields["tools"])


@pytest.mark.parametrize("choice", [7, [], ["auto"], True, "every", {"type": "mcp"}, {"name": "rm"}])
def test_a_choice_that_is_none_is_refused(choice: object) -> None:
    with pytest.raises(BadRequest) as refused:
        offered({"type": "function", "name": "ls"}, tool_choice=choice)
    assert refused.value.param == "tool_choice"


@pytest.mark.parametrize("tools", [{}, "ls", ["ls"], [7], 7])
def test_tools_of_another_shape_are_refused(tools: object) -> None:
    with pytest.raises(BadRequest) as refused:
        read({"tools": raw.of(tools)})
    assert refused.value.param == "tools"
