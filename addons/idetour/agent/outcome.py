"""What became of a run: the agent's exit code does not tell, so it is read from what the agent recorded.

`trae-cli` exits with 0 after a failure, and with 1 after a success whose
summary could not be printed. Only `success` together with `end_time` counts.
"""

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from idetour.agent.store import Status

# Said on the console only, while the recorded error is as vague as "Connection error."
HINTS = (
    re.compile(r"CERTIFICATE_VERIFY_FAILED"),
    re.compile(r"rich\.errors\.MarkupError.*"),
    re.compile(r".+ cannot be started: .+|Isolation `namespace` is not possible here: .+"),
    re.compile(r"(?:ModuleNotFoundError|ConfigError|KeyError|TypeError): .*"),
)
NO_MEMORY = "; perhaps the machine had no memory left"  # the system then kills whom it likes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    status: Status
    result: str | None = None
    error: str | None = None

    @property
    def success(self) -> bool:
        return self.status == "completed"

    def unless(self, status: Status, error: str) -> "Outcome":
        """A reason of ours to see it otherwise."""
        return replace(self, status=status, error=error)


def of_driver(said: Mapping[str, Any], code: int | None) -> Outcome:
    """From the last event of the driver: `agent.finished`, `agent.crashed`, or none at all."""
    return judged(said, code, over=bool(said))


def of_trajectory(found: Mapping[str, Any], code: int | None) -> Outcome:
    steps = found.get("agent_steps") or []
    error = next((step.get("error") for step in reversed(steps) if step.get("error")), None)
    said = {"success": found.get("success"), "result": found.get("final_result"), "error": error}
    return judged(said, code, over=bool(found.get("end_time")))


def judged(said: Mapping[str, Any], code: int | None, *, over: bool) -> Outcome:
    result, error = said.get("result"), said.get("error")
    if not over:
        return Outcome(
            status="failed", error=error or f"The agent ended {died(code)} before its task was done."
        )
    if said.get("success"):
        return Outcome(status="completed", result=result)
    return Outcome(status="failed", result=result, error=error or result or "The agent gave up.")


def died(code: int | None) -> str:
    """In words; who runs in namespaces passes a signal on as a shell does, with 128 more."""
    code = code or 0
    number = -code if code < 0 else code - 128
    if number <= 0:
        return f"with exit code {code}"
    said = signal.strsignal(number) or "unknown"
    return f"by signal {number} ({said}{NO_MEMORY if number == signal.SIGKILL else ''})"


def hint(log: str) -> str | None:
    """What the console says of the cause."""
    return next((found[0] for each in HINTS if (found := each.search(log))), None)


@dataclass(slots=True)
class Tally:
    """Requests and tokens of a run, counted from its events."""

    usage: dict[str, int] = field(default_factory=dict)

    def count(self, type: str, data: dict[str, Any]) -> None:
        if type != "llm.response":
            return
        self._add("requests", 1)
        for name, many in (data.get("usage") or {}).items():
            if isinstance(many, int):
                self._add(name, many)

    def _add(self, name: str, many: int) -> None:
        self.usage[name] = self.usage.get(name, 0) + many
