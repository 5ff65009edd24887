"""What an answer cost, in tokens, whichever way the upstream writes it."""

import re
from dataclasses import dataclass
from typing import Any, Self

import msgspec
from msgspec import Raw

# An object with objects in it, but no deeper; inside a JSON text its quotes would be escaped.
_USAGE = re.compile(rb'(?<!\\)"usage"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. `cached` and `written` (to the cache) are part of `prompt`, `reasoning` is part of `completion`.

    `cost` is what the upstream says that it took, in US dollars; OpenRouter does.
    """

    prompt: int = 0
    completion: int = 0
    total: int = 0
    cached: int = 0
    reasoning: int = 0
    written: int = 0
    cost: float | None = None

    @classmethod
    def read(cls, raw: bytes | Raw) -> Self | None:
        """None where it is no object. A number that is missing or absurd counts as 0."""
        try:
            said = msgspec.json.decode(raw)
        except (ValueError, RecursionError):
            return None
        if not isinstance(said, dict):
            return None
        prompt = number(said, "prompt_tokens", "input_tokens")
        completion = number(said, "completion_tokens", "output_tokens")
        into = _object(said, "prompt_tokens_details", "input_tokens_details")
        out = _object(said, "completion_tokens_details", "output_tokens_details")
        return cls(
            prompt=prompt,
            completion=completion,
            total=number(said, "total_tokens") or prompt + completion,
            cached=number(into, "cached_tokens") or number(said, "prompt_cache_hit_tokens", "cached_tokens"),
            reasoning=number(out, "reasoning_tokens") or number(said, "reasoning_tokens"),
            written=number(into, "cache_write_tokens"),
            cost=_amount(said.get("cost")),
        )


def last(end: bytes) -> Usage | None:
    """What the end of an answer says that all of it cost, whichever protocol it is in; None where it says nothing."""
    found = [*_USAGE.finditer(end)]
    return Usage.read(found[-1][1]) if found else None


def number(said: dict[str, Any], *names: str) -> int:
    """The first of these numbers that is there. What is absurd counts as 0."""
    for name in names:
        value = said.get(name)
        if isinstance(value, int | float) and 0 < value < 2**53:
            return int(value)
    return 0


def _amount(value: Any) -> float | None:
    """Dollars; None where nothing is said, or nonsense."""
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e6 else None


def _object(said: dict[str, Any], *names: str) -> dict[str, Any]:
    return next((said[name] for name in names if isinstance(said.get(name), dict)), {})
