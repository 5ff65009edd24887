import pytest

from idetour.wire.repair_forms import BARE, FENCED, TAGGED, Form, plausible
from wire.edited import OFFERED

BY_OPENING = {form.opening: form for form in (*TAGGED, FENCED)}


@pytest.mark.parametrize(
    ("form", "inside"),
    [
        (BY_OPENING["<tool_call>"], "{} trailing"),
        (BY_OPENING["<tool_call>"], ""),
        (BY_OPENING["<tool_call>"], "read <arg_key>path"),
        (BY_OPENING["<function="], "read>what?</function>"),
        (BY_OPENING["[TOOL_CALLS]"], "ls"),
        (BY_OPENING["[TOOL_CALLS]"], "ls[ARGS]x"),
        (BY_OPENING["<｜tool▁calls▁begin｜>"], "<｜tool▁call▁begin｜>ls<｜tool▁call▁end｜>"),
        (BY_OPENING["<|tool_calls_section_begin|>"], "<|tool_call_begin|>ls<|tool_call_end|>"),
        (BARE, '{"name": {}, "arguments": 1}'),
        (BARE, '{"name": "ls", "arguments": [1]}'),
    ],
)
def test_what_only_looks_like_calls_has_none(form: Form, inside: str) -> None:
    assert [each for each in form.read(inside, OFFERED) if each.name != "read"] == []


@pytest.mark.parametrize(
    ("form", "inside", "may"),
    [
        (BARE, "{", True),
        (BARE, '{ "na', True),
        (BARE, '{"name": "re', True),
        (BARE, '{"name": "rm', False),
        (BARE, '{"name": "rea"', False),
        (BARE, '{"name": "read",', True),
        (BARE, '{"result', False),
        (BARE, "[", True),
        (BARE, "[1", False),
        (BARE, '{"arguments": {"x": 1', True),
        (BY_OPENING["<tool_call>"], "\n", True),
        (BY_OPENING["<tool_call>"], "\n" * 300, False),
        (BY_OPENING["<tool_call>"], "rea", True),
        (BY_OPENING["<tool_call>"], "is a tag", False),
        (BY_OPENING["<|python_tag|>"], "print(1)", False),
    ],
)
def test_text_does_not_wait_for_an_end_once_it_cannot_be_a_call(form: Form, inside: str, may: bool) -> None:
    assert plausible(form, inside, OFFERED) is may
