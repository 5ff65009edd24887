"""Pieces of what the model says, put among the agent's own events: each in its step, and none after its response.

Two tell of the same answer: the gateway while it comes, the agent when it has it. Neither names the other's, so they
are counted: the gateway's answer number n is the agent's response number n. Where the counts part (the agent asked
once more, its shell asked too, the gateway was away) they are brought together again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from idetour.agent.store import Said

if TYPE_CHECKING:
    from idetour.agent.live import Told

DELTA = "llm.delta"
PAUSE = 0.1  # seconds between two events
MOST = 16 << 20  # bytes of these events that are stored for one task
FRAME = 200  # bytes that an event takes beside its text
PATIENCE = 1.0  # seconds after which counts that differ are wrong, and not late
NOT_RECEIVED = ("broken", "left")  # ends of which the agent has no response
ENOUGH = f"Live output ends here: this task has had {MOST >> 20} MB of it. Its steps are told as before."


@dataclass(frozen=True, slots=True)
class Piece:
    answer: int  # which it belongs to, by the gateway's count
    attempt: int  # counts all that were begun
    heard: float
    kind: tuple[str, int, str]  # text, reasoning, or arguments; of which call, of which tool
    text: str


@dataclass(slots=True)
class Deltas:
    """Times are seconds on one clock, the caller's."""

    driven: bool = True  # whether the agent says when a step starts
    _answers: int = 0  # which the gateway has told of to their end
    _responses: int = 0  # which the agent has told of
    _step: int = 1
    _thinks: bool = False  # a step was started, and has no response yet
    _attempts: int = 0
    _open: dict[str, int] = field(default_factory=dict)  # requests that were begun, and their attempts
    _names: dict[tuple[int, int], str] = field(default_factory=dict)  # of tools, by attempt and call
    _pieces: list[Piece] = field(default_factory=list)
    _shown: tuple[int, int] = (0, 0)  # the step and the attempt of the last piece that was put out
    _put: float = 0.0  # when
    _responded: float = 0.0
    _greeted: float = 0.0
    _left: int = MOST

    def hear(self, told: "Sequence[Told]", now: float) -> bool:
        """Take in what the gateway says; whether the model said something."""
        for each in told:
            request = str(each.get("request", ""))
            match each.get("type"):
                case "hello":
                    if each.get("gap") or not self._greeted:
                        self._answers = self._responses
                        self._open.clear()
                    self._greeted = now
                case "begin":
                    if now - max(self._greeted, self._responded) > PATIENCE:
                        self._answers = max(self._answers, self._responses)
                    self._attempts += 1
                    self._open[request] = self._attempts
                    self._names = {
                        key: name for key, name in self._names.items() if key[0] in self._open.values()
                    }
                case "delta" if request in self._open:
                    self._pieces += self._cut(each, self._open[request], now)
                case "end":
                    self._open.pop(request, None)
                    self._answers += each.get("outcome") not in NOT_RECEIVED
        return any(each.get("type") == "delta" for each in told)

    def among(self, said: Sequence[Said], now: float) -> list[Said]:
        """The agent's events, and before each response what is left of its pieces. Others when they are due."""
        found: list[Said] = []
        for type, data in said:
            if type == "step.started":
                self._step, self._thinks = int(data.get("step") or self._step), True
            elif type == "llm.response":
                found += self._due()
                self._responses += 1
                self._step, self._thinks = int(data.get("step") or self._step) + 1, False
                self._responded = now
            found.append((type, data))
        self._pieces = [each for each in self._pieces if each.answer >= self._responses]
        if self._pieces and (ahead := self._pieces[0].answer - self._responses):
            if now - self._pieces[0].heard > PATIENCE:
                self._set_back(ahead)
        elif self._pieces and now - self._put >= PAUSE and (self._thinks or not self.driven):
            found += self._due()
            self._put = now
        return found

    def _set_back(self, many: int) -> None:
        """The agent did not take so many answers for its own."""
        self._answers -= many
        self._pieces = [replace(each, answer=each.answer - many) for each in self._pieces]

    def _cut(self, told: "Told", attempt: int, now: float) -> Iterator[Piece]:
        for name in ("text", "reasoning"):
            if text := told.get(name):
                yield Piece(self._answers, attempt, now, (name, 0, ""), str(text))
        if "call" in told or "arguments" in told:
            call = told.get("call")
            call = call if isinstance(call, int) else 0  # an upstream's numbers may be odd
            tool = self._names.setdefault((attempt, call), str(told.get("name") or ""))
            text = str(told.get("arguments") or "")
            yield Piece(self._answers, attempt, now, ("arguments", call, tool), text)

    def _due(self) -> Iterator[Said]:
        """What belongs to the response that comes next, as few events."""
        due = [each for each in self._pieces if each.answer == self._responses]
        self._pieces = [each for each in self._pieces if each.answer > self._responses]
        for (attempt, (name, call, tool)), pieces in groupby(due, lambda each: (each.attempt, each.kind)):
            text = "".join(each.text for each in pieces)
            if self._left <= 0:
                return
            self._left -= len(text.encode("utf-8", "replace")) + FRAME
            if self._left <= 0:
                yield "warning", {"step": self._step, "message": ENOUGH}
                return
            data: dict[str, Any] = {"step": self._step}
            if self._shown[0] == self._step and self._shown[1] != attempt:
                data["again"] = True
            if name == "arguments":
                data |= {"call": call, "tool": tool}
            self._shown = (self._step, attempt)
            yield DELTA, {**data, name: text}
