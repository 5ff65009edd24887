"""How an answer ends, in both protocols: why it stopped, and what it cost.

Anthropic counts what came from its cache apart from `input_tokens`, OpenAI
counts it in: each token must be counted once, whichever way it is told.
"""

from collections.abc import Collection
from typing import Any

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.usage import number

# https://docs.anthropic.com/en/api/handling-stop-reasons
TO_CHAT = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",  # the server wants to be asked again; Chat has no word for that
    "compaction": "length",
    "refusal": "content_filter",
}
FROM_CHAT = {
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "content_filter": "refusal",
    "sensitive": "refusal",
}


def stop(
    finish: str | None, *, calls: bool, matched: object = None, stops: Collection[str] = ()
) -> dict[str, Any]:
    """`stop_reason` and `stop_sequence`. `matched` is what some servers say of the sequence that was met.

    Whether there are calls decides, not the word: some upstreams say "stop" after a
    call, and a client that hears of a call where there is none waits for ever.
    """
    reason = FROM_CHAT.get(finish or "")
    if reason is None and not calls and isinstance(matched, str) and matched in stops:
        return {"stop_reason": "stop_sequence", "stop_sequence": matched}
    return {"stop_reason": reason or ("tool_use" if calls else "end_turn"), "stop_sequence": None}


def usage(said: Raw, *, estimate: int = 0) -> dict[str, Any]:
    """OpenAI's usage as Anthropic's. `estimate` stands for the input where the upstream counted nothing."""
    found = _object(raw.value(said))
    details = _object(found.get("prompt_tokens_details"))
    read = number(details, "cached_tokens") or number(
        found, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"
    )
    wrote = number(details, "cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens")
    wrote = wrote or number(found, "cache_creation_input_tokens")
    prompt = number(found, "prompt_tokens")
    thought = number(_object(found.get("completion_tokens_details")), "reasoning_tokens")
    details = {"output_tokens_details": {"thinking_tokens": thought}} if thought else {}
    return {
        "input_tokens": max(0, prompt - read - wrote) if prompt else estimate,
        "cache_creation_input_tokens": wrote,
        "cache_read_input_tokens": read,
        "output_tokens": number(found, "completion_tokens"),
        **details,
    }


def chat_usage(said: dict[str, Any]) -> dict[str, Any]:
    """Anthropic's usage as OpenAI's, where the prompt holds what was read from the cache and written to it."""
    read, wrote = number(said, "cache_read_input_tokens"), number(said, "cache_creation_input_tokens")
    prompt, completion = number(said, "input_tokens") + read + wrote, number(said, "output_tokens")
    thought = number(_object(said.get("output_tokens_details")), "thinking_tokens")
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": wrote},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def merged(before: dict[str, Any], said: Raw) -> dict[str, Any]:
    """Usage so far: each event's numbers are totals, and those that it leaves out stay."""
    news = _object(raw.value(said))
    return before | {name: value for name, value in news.items() if value is not None}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
