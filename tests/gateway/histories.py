"""Long histories of an agent, as Chat Completions has them."""

from typing import Any


def history(rounds: int) -> list[dict[str, Any]]:
    """A task and so many rounds, about a thousand tokens each."""
    made: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
    for n in range(rounds):
        call = {"id": f"c{n}", "type": "function", "function": {"name": "sh", "arguments": "{}"}}
        made.append({"role": "assistant", "content": None, "tool_calls": [call]})
        made.append({"role": "tool", "tool_call_id": f"c{n}", "content": "a line of output " * 250})
    return made


def left_out(messages: list[dict[str, Any]]) -> int:
    return sum("was left out" in str(message["content"]) for message in messages)
