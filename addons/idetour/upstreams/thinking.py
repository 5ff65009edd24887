"""Translate how an IDE asks for reasoning into the switch that the model has.

IDEs say `reasoning_effort`, `reasoning`, `thinking` or `enable_thinking`; every
family of models has a switch of its own. A client that already uses a field of
the model's own knows what it does and is left alone.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from idetour.profile import Effort, Thinking
from idetour.wire import raw

OWN = {"chat_template_kwargs", "output_config"}  # a client that sends these knows the model
WISHES = ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget")
EFFORTS: Mapping[str, Effort | None] = {
    "none": "off",
    "off": "off",
    "minimal": "off",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
    "ultra": "max",
    "auto": None,
    "default": None,
}
# Where a model lacks a level, the nearest one it has, the cheaper first.
NEAREST: Mapping[Effort, tuple[Effort, ...]] = {
    "off": ("off", "low"),
    "low": ("low", "medium", "high", "max"),
    "medium": ("medium", "low", "high", "max"),
    "high": ("high", "medium", "max", "low"),
    "max": ("max", "high", "medium", "low"),
}
BUDGETS: tuple[tuple[int, Effort], ...] = ((0, "off"), (2048, "low"), (8192, "medium"), (16384, "high"))


def switch(fields: dict[str, Raw], known: Thinking) -> tuple[dict[str, Raw], str | None]:
    """Take the IDE's wish out of `fields`: the model's own switch, and words for the system prompt, if any."""
    if OWN & fields.keys():
        return {}, None
    wish = wanted({name: msgspec.json.decode(fields.pop(name)) for name in WISHES if name in fields})
    levels = known.efforts.keys() | known.system.keys()
    effort = next((each for each in NEAREST[wish] if each in levels), None) if wish else None
    if effort is None:
        return {}, None
    switched = known.efforts.get(effort, {})
    return {name: raw.of(value) for name, value in switched.items()}, known.system.get(effort)


def wanted(wishes: Mapping[str, Any]) -> Effort | None:
    """The effort that the IDE's fields ask for; None when they ask for nothing."""
    mode = wishes.get("thinking", wishes.get("enable_thinking"))
    thinking, reasoning = mapping(mode), mapping(wishes.get("reasoning"))
    if mode is False or thinking.get("type") == "disabled" or reasoning.get("enabled") is False:
        return "off"
    if named := wishes.get("reasoning_effort") or reasoning.get("effort"):
        return EFFORTS.get(str(named).lower(), "medium")
    for budget in (reasoning.get("max_tokens"), thinking.get("budget_tokens"), wishes.get("thinking_budget")):
        if level := by_budget(budget):
            return level
    on = mode is True or thinking.get("type") in ("enabled", "adaptive") or reasoning.get("enabled") is True
    return "medium" if on else None


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def by_budget(tokens: Any) -> Effort | None:
    """The level whose budget holds `tokens`. Less than 0 leaves the budget to the model: no level."""
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        return None
    return next((effort for limit, effort in BUDGETS if tokens <= limit), "max")
