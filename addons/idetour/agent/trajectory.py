"""The file in which Trae Agent records its run, read while it is being written.

The agent truncates and rewrites it in place, twice a step, so a reader may find
it empty or cut. What cannot be parsed is looked at again at the next tick.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from idetour.agent.store import Said


@dataclass(slots=True)
class Tail:
    """Turns what was added since the last look into events."""

    path: Path
    most: int  # bytes; a longer file is not read
    last: dict[str, Any] = field(default_factory=dict)  # the newest state that could be parsed
    too_long: bool = False
    _seen: tuple[int, int] = (0, 0)
    _answers: int = 0
    _steps: int = 0

    def look(self) -> list[Said]:
        try:
            stat = self.path.stat()
        except OSError:
            return []
        seen = (stat.st_mtime_ns, stat.st_size)
        self.too_long = stat.st_size > self.most
        if seen == self._seen or not stat.st_size or self.too_long:
            return []
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=dict[str, Any])
        except (OSError, ValueError, RecursionError):
            return []
        self._seen, self.last = seen, found
        return [*self._news(found)]

    def _news(self, found: dict[str, Any]) -> Iterator[Said]:
        answers, steps = found.get("llm_interactions") or [], found.get("agent_steps") or []
        while self._answers < len(answers) or self._steps < len(steps):
            # Each step follows its answer, also where we saw both at once.
            if self._answers < len(answers) and self._answers <= self._steps:
                yield from answered(answers[self._answers], self._answers + 1)
                self._answers += 1
            elif self._steps < len(steps):
                yield from stepped(steps[self._steps])
                self._steps += 1
            else:
                yield from answered(answers[self._answers], self._answers + 1)
                self._answers += 1


def answered(interaction: dict[str, Any], number: int) -> Iterator[Said]:
    yield "step.started", {"step": number}
    yield "llm.response", {"step": number, **(interaction.get("response") or {})}


def stepped(step: dict[str, Any]) -> Iterator[Said]:
    """`state` is always `completed`, whatever happened; `error` says."""
    number = step.get("step_number")
    if calls := step.get("tool_calls"):
        yield "tool.calls", {"step": number, "tool_calls": calls}
    if results := step.get("tool_results"):
        yield "tool.results", {"step": number, "tool_results": results}
    dropped = beside_the_end(((step.get("llm_response") or {}).get("tool_calls")) or [])
    if dropped and not calls:
        names = ", ".join(dropped)
        yield (
            "warning",
            {"step": number, "message": f"trae-cli dropped calls made together with task_done: {names}."},
        )
    yield "step.completed", {"step": number, "error": step.get("error")}


def beside_the_end(calls: list[dict[str, Any]]) -> list[str]:
    """The names of the calls that came in one turn with `task_done`."""
    names = [str(call.get("name")) for call in calls]
    return [name for name in names if name != "task_done"] if "task_done" in names else []
