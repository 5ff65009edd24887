"""Every way in which an IDE asks for thought, and every model's own switch."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from idetour.profile import Thinking
from idetour.upstreams.thinking import switch, wanted

type Sent = Callable[..., dict[str, Any]]
LEVELS = ("none", "low", "medium", "high", "xhigh")


@pytest.mark.parametrize(
    ("wishes", "effort"),
    [
        ({}, None),
        ({"reasoning_effort": "none"}, "off"),
        ({"reasoning_effort": "minimal"}, "off"),
        ({"reasoning_effort": "low"}, "low"),
        ({"reasoning_effort": "HIGH"}, "high"),
        ({"reasoning_effort": "xhigh"}, "max"),
        ({"reasoning_effort": "max"}, "max"),
        ({"reasoning_effort": "a word of next year"}, "medium"),
        ({"reasoning_effort": "auto"}, None),
        ({"reasoning_effort": ""}, None),
        ({"reasoning_effort": None}, None),
        ({"reasoning": {"effort": "high"}}, "high"),
        ({"reasoning": {"effort": "none"}}, "off"),
        ({"reasoning": {"enabled": False, "effort": "high"}}, "off"),
        ({"reasoning": {"enabled": True}}, "medium"),
        ({"reasoning": {"max_tokens": 2000}}, "low"),
        ({"reasoning": {"exclude": True}}, None),
        ({"reasoning": "odd"}, None),
        ({"thinking": {"type": "enabled"}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 8192}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10000}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, "max"),
        ({"thinking": {"type": "enabled", "budget_tokens": -1}}, "medium"),
        ({"thinking": {"type": "adaptive"}}, "medium"),
        ({"thinking": {"type": "disabled"}}, "off"),
        ({"thinking": {"type": "auto"}}, None),
        ({"thinking": True}, "medium"),
        ({"enable_thinking": True}, "medium"),
        ({"enable_thinking": True, "thinking_budget": 500}, "low"),
        ({"enable_thinking": False}, "off"),
        ({"enable_thinking": False, "thinking_budget": 9000}, "off"),
        ({"enable_thinking": None}, None),
        ({"thinking_budget": 0}, "off"),
        ({"thinking_budget": 20000}, "max"),
        ({"thinking_budget": True}, None),
        ({"thinking_budget": "many"}, None),
        ({"reasoning_effort": "low", "thinking": {"type": "enabled", "budget_tokens": 32000}}, "low"),
    ],
)
def test_every_way_to_ask_means_an_effort(wishes: dict[str, Any], effort: str | None) -> None:
    assert wanted(wishes) == effort


TEMPLATE = "chat_template_kwargs"
BUDGETS = (2048, 8192, 16384, 32768)
SWITCHES = (TEMPLATE, "reasoning", "reasoning_effort", "thinking", "enable_thinking", "output_config")
ADAPTIVE = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("target", "switches"),
    [
        (
            "nim/nvidia/nemotron-3-super-120b-a12b",
            [
                {TEMPLATE: {"enable_thinking": False}},
                *({TEMPLATE: {"enable_thinking": True}, "reasoning_budget": each} for each in BUDGETS),
            ],
        ),
        (
            "nim/openai/gpt-oss-120b",
            [{"reasoning_effort": word} for word in ("low", "low", "medium", "high", "high")],
        ),
        (
            "nim/deepseek-ai/deepseek-v4.1-flash",
            [
                {TEMPLATE: {"thinking": False}},
                *([{TEMPLATE: {"thinking": True, "reasoning_effort": "high"}}] * 3),
                {TEMPLATE: {"thinking": True, "reasoning_effort": "max"}},
            ],
        ),
        (
            "nim/minimaxai/minimax-m3",
            [{TEMPLATE: {"thinking_mode": mode}} for mode in ("disabled", *["enabled"] * 4)],
        ),
        (
            "nim/z-ai/glm-5.3",
            [{"reasoning_effort": word} for word in ("low", "low", "high", "high", "max")],
        ),
        (
            "nim/stepfun-ai/step-5-preview",
            [{"reasoning_effort": word} for word in ("low", "low", "medium", "high", "high")],
        ),
        (
            "dashscope/qwen-plus",
            [{"enable_thinking": False}, *({"enable_thinking": True, "thinking_budget": n} for n in BUDGETS)],
        ),
        (
            "dashscope/qwen3.8-max",
            [{"reasoning_effort": word} for word in ("none", "low", "medium", "xhigh", "xhigh")],
        ),
        (
            "openrouter/anthropic/claude-sonnet-5",
            [
                {"reasoning": {"enabled": False}},
                *({"reasoning": {"effort": word}} for word in ("low", "medium", "high", "xhigh")),
            ],
        ),
        (
            "anthropic/claude-opus-5",
            [
                {"thinking": {"type": "disabled"}},
                *(
                    {"thinking": ADAPTIVE, "output_config": {"effort": e}}
                    for e in ("low", "medium", "high", "max")
                ),
            ],
        ),
        (
            "anthropic/claude-opus-4-5",
            [
                {"thinking": {"type": "disabled"}},
                *({"thinking": {"type": "enabled", "budget_tokens": n}, "temperature": 1} for n in BUDGETS),
            ],
        ),
        (
            "openai/gpt-5",
            [{"reasoning_effort": word} for word in ("minimal", "low", "medium", "high", "high")],
        ),
        (
            "openai/gpt-6-luna",
            [{"reasoning_effort": word} for word in ("none", "low", "medium", "high", "xhigh")],
        ),
    ],
)
def test_each_effort_is_said_in_the_models_own_words(
    sent: Sent, target: str, switches: list[dict[str, Any]]
) -> None:
    for level, expected in zip(LEVELS, switches, strict=True):
        body = sent(target, reasoning_effort=level)
        said = {name: body[name] for name in body if name in expected or name in SWITCHES}

        assert said == expected, level


def test_a_model_that_is_switched_by_words_hears_them(outgoing: Callable[..., Any]) -> None:
    target = "nim/nvidia/llama-3.3-nemotron-super-49b-v1"
    ask = {"model": "m", "messages": [{"role": "system", "content": "Be brief."}], "reasoning_effort": "high"}
    body = msgspec.json.decode(outgoing(target, ask).body)

    assert body["messages"] == [{"role": "system", "content": "detailed thinking on\nBe brief."}]
    assert "reasoning_effort" not in body


def test_words_and_fields_are_of_one_level() -> None:
    """With a level that has words alone, the fields of another one would say the opposite."""
    known = Thinking(
        efforts={"low": {"max_thinking_tokens": 2048}}, system={"off": "/no_think", "low": "/think"}
    )

    assert switch({"reasoning_effort": Raw(b'"none"')}, known) == ({}, "/no_think")
    assert switch({"reasoning_effort": Raw(b'"high"')}, known) == (
        {"max_thinking_tokens": Raw(b"2048")},
        "/think",
    )


def test_where_a_level_is_missing_the_nearest_is_taken() -> None:
    known = Thinking(efforts={"high": {"budget": 9}})

    assert switch({"enable_thinking": Raw(b"true")}, known)[0] == {"budget": Raw(b"9")}
    assert switch({"enable_thinking": Raw(b"false")}, known)[0] == {}


@pytest.mark.parametrize("own", ["chat_template_kwargs", "output_config"])
def test_who_speaks_the_models_own_words_is_left_alone(own: str) -> None:
    fields = {own: Raw(b'{"effort":"high"}'), "thinking": Raw(b'{"type":"adaptive"}')}

    assert switch(fields, Thinking(efforts={"medium": {"thinking": True}})) == ({}, None)
    assert set(fields) == {own, "thinking"}


def test_a_wish_is_taken_out_even_if_it_says_nothing() -> None:
    fields = {"reasoning_effort": Raw(b"null"), "temperature": Raw(b"1")}

    assert switch(fields, Thinking(efforts={"high": {"a": 1}})) == ({}, None)
    assert fields == {"temperature": Raw(b"1")}
