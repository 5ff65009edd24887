"""Translate how an IDE asks for reasoning into the switch that the model has.

IDEs say `reasoning_effort`, `reasoning`, `thinking` or `enable_thinking`; every
family of models has a switch of its own. A client that already uses the
model's own `chat_template_kwargs` knows what it does and is left alone.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from idetour.profile import Effort, Thinking

WISHES = ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget")
EFFORTS: Mapping[str, Effort] = {
    "none": "off",
    "off": "off",
    "minimal": "off",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
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
    """Take the IDE's wish out of `fields`; returns the model's own switch and words for the system prompt, if any."""
    if "chat_template_kwargs" in fields:
        return {}, None
    wish = wanted({name: msgspec.json.decode(fields.pop(name)) for name in WISHES if name in fields})
    if wish is None:
        return {}, None
    effort = next((each for each in NEAREST[wish] if each in known.efforts), None)
    switched = known.efforts[effort] if effort else {}
    words = next((known.system[each] for each in NEAREST[wish] if each in known.system), None)
    return {name: Raw(msgspec.json.encode(value)) for name, value in switched.items()}, words


def wanted(wishes: Mapping[str, Any]) -> Effort | None:
    """The effort that the IDE's fields ask for; None when they ask for nothing."""
    effort = wishes.get("reasoning_effort")
    reasoning = wishes.get("reasoning")
    if isinstance(reasoning, dict):
        if reasoning.get("enabled") is False:
            return "off"
        effort = effort or reasoning.get("effort") or by_budget(reasoning.get("max_tokens"))
    if isinstance(effort, str):
        return EFFORTS.get(effort, "medium")
    mode = wishes.get("thinking", wishes.get("enable_thinking"))
    if isinstance(mode, dict):
        if mode.get("type") == "disabled":
            return "off"
        return by_budget(mode.get("budget_tokens")) or "medium"
    if isinstance(mode, bool):
        return (by_budget(wishes.get("thinking_budget")) or "medium") if mode else "off"
    return by_budget(wishes.get("thinking_budget"))


def by_budget(tokens: Any) -> Effort | None:
    """The level whose budget holds `tokens`."""
    if not isinstance(tokens, int) or isinstance(tokens, bool):
        return None
    return next((effort for limit, effort in BUDGETS if tokens <= limit), "max")
