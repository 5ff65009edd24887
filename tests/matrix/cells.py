"""Every client protocol with every upstream protocol, streamed and not: what works, or why there is no word for it.

A *check* returns nothing where all is well, else the reason why that much cannot be said.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from conftest import Serving
from matrix.clients import CLIENTS, PIXEL, Client, failure
from matrix.voices import (
    CACHED,
    COMPLETION,
    OVERLOADED,
    PROMPT,
    REASONING,
    Call,
    Said,
    Speaks,
    fails_midway,
    refuses,
    says,
)
from upstream import Upstream, until

PROTOCOLS: tuple[Speaks, ...] = get_args(Speaks.__value__)
HELLO = Said("Hello, 世界 😀")


@dataclass(frozen=True)
class Reason:
    """Why a protocol has no word for something: all of it, or a part."""

    mark: str
    english: str
    chinese: str


AT_ONCE = Reason(
    "–",
    "An answer that is not streamed has no inside: it comes, or an error does.",
    "非流式的回答没有“中间”：要么来了，要么是错误。",
)


@dataclass(frozen=True)
class Cell:
    """A combination, with everything at hand to try it."""

    client: str
    speaks: Speaks
    stream: bool
    gateway: Serving
    upstream: Upstream

    def talk(self) -> Client:
        return CLIENTS[self.client](self.gateway.url, self.speaks, self.stream)

    def answers(self, *said: Said) -> None:
        """What the upstream says next."""
        self.upstream.requests.clear()
        self.upstream.then(*(says(self.speaks, each) for each in said))

    @contextlib.contextmanager
    def opening(self, gate: threading.Event) -> Iterator[None]:
        """Opens the gate as soon as an answer that is asked for inside is given to the client."""
        recent = self.gateway.gateway.pipeline.recent
        before = len(recent)

        def wait() -> None:
            until(lambda: len(recent) > before and recent[-1].target)
            gate.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        try:
            yield
        finally:
            waiting.join()

    @property
    def bodies(self) -> list[Any]:
        """What the upstream was asked."""
        return [request.json() for request in self.upstream.requests]


type Check = Callable[[Cell], Reason | None]


def text(cell: Cell) -> None:
    cell.answers(HELLO)
    talk = cell.talk()
    talk.say("Say hello")
    heard = talk.ask()
    assert (heard.text, heard.model, heard.calls) == (HELLO.text, cell.speaks, ())
    assert cell.bodies[0].get("stream", False) == cell.stream


def tools(cell: Cell) -> None:
    """Three rounds: two calls at once, one call beside a text, and the answer."""
    both = (Call("call_1", "ls", {"path": "/"}), Call("call_2", "cat", {"path": "a b"}))
    third = (Call("call_3", "ls", {"path": "世界"}),)
    cell.answers(Said(calls=both), Said("One more.", calls=third), HELLO)
    talk = cell.talk()
    talk.say("Look around")
    for wanted in (both, third):
        heard = talk.ask(tools=True)
        assert [(each.name, each.input) for each in heard.calls] == [
            (each.name, each.input) for each in wanted
        ]
        for call in heard.calls:
            talk.result(call, f"found by {call.name} at {call.input['path']}")
    assert talk.ask(tools=True).text == HELLO.text
    assert len(offered(cell.bodies[0])) == 2
    told = results(cell.speaks, cell.bodies[2])
    assert told == {each.id: f"found by {each.name} at {each.input['path']}" for each in (*both, *third)}


def pictures(cell: Cell) -> None:
    cell.answers(HELLO)
    talk = cell.talk()
    talk.say("What is this?", image=True)
    talk.ask()
    assert shown(cell.speaks, cell.bodies[0]) == PIXEL


def thoughts(cell: Cell) -> None:
    cell.answers(Said("Yes.", thought="Let me think."))
    talk = cell.talk()
    talk.say("Think")
    heard = talk.ask()
    assert (heard.thought, heard.text) == ("Let me think.", "Yes.")


def thoughts_go_back(cell: Cell) -> None:
    """With the calls that they led to, and sealed as the upstream had sealed them."""
    call = Call("call_9", "ls", {"path": "/"})
    cell.answers(Said(thought="I have to look.", calls=(call,)), HELLO)
    talk = cell.talk()
    talk.say("Think")
    [again] = talk.ask(tools=True).calls
    talk.result(again, "nothing")
    talk.ask(tools=True)
    assert remembered(cell.speaks, cell.bodies[1]) == {
        "openai": "I have to look.",
        "anthropic": "SIGNED",
        "responses": "SEALED",
    }.get(cell.speaks)


def errors_before(cell: Cell) -> None:
    """By the sign by which clients of this protocol know that they have to shorten the conversation."""
    cell.upstream.then(refuses(cell.speaks))
    talk = cell.talk()
    talk.say("Say hello")
    failed = failure(talk)
    assert failed.status == 400
    assert ("prompt is too long" if cell.client == "messages" else "context_length_exceeded") in failed.told


def errors_inside(cell: Cell) -> Reason | None:
    if not cell.stream:
        return AT_ONCE
    heard = threading.Event()
    cell.upstream.then(fails_midway(cell.speaks, Said("Half of what"), after=heard))
    talk = cell.talk()
    talk.say("Say hello")
    with cell.opening(heard):
        failed = failure(talk)
    assert OVERLOADED in failed.told
    assert "rate_limit" in failed.told
    return None


def usage(cell: Cell) -> None:
    """Tokens that came from the cache are a part of the prompt, thoughts a part of the answer, and each counts once."""
    cell.answers(HELLO)
    talk = cell.talk()
    talk.say("Count")
    assert talk.ask().usage == (PROMPT, CACHED, COMPLETION, REASONING)


CHECKS: tuple[Check, ...] = (
    text, tools, pictures, thoughts, thoughts_go_back, errors_before, errors_inside, usage,
)  # fmt: skip


# What an upstream finds in a body of its own protocol.


def offered(body: Any) -> list[Any]:
    return list(body["tools"])


def results(speaks: Speaks, body: Any) -> dict[str, str]:
    """The results of tools, by the ids of their calls."""
    if speaks == "openai":
        return {each["tool_call_id"]: each["content"] for each in body["messages"] if each["role"] == "tool"}
    if speaks == "responses":
        outputs = [each for each in body["input"] if each.get("type") == "function_call_output"]
        return {each["call_id"]: each["output"] for each in outputs}
    parts = [part for turn in body["messages"] for part in turn["content"] if turn["role"] == "user"]
    found = [part for part in parts if isinstance(part, dict) and part["type"] == "tool_result"]
    return {each["tool_use_id"]: each["content"] for each in found}


def shown(speaks: Speaks, body: Any) -> str:
    """The picture in the first turn, as base64."""
    turn = body["input" if speaks == "responses" else "messages"][0]
    part = next(each for each in turn["content"] if "image" in each["type"])
    if speaks == "anthropic":
        return str(part["source"]["data"])
    url = part["image_url"] if speaks == "responses" else part["image_url"]["url"]
    return str(url).removeprefix("data:image/png;base64,")


def remembered(speaks: Speaks, body: Any) -> str | None:
    """What of the model's thoughts came back: the words, or the seal."""
    if speaks == "responses":
        found = [each["encrypted_content"] for each in body["input"] if each.get("type") == "reasoning"]
    elif speaks == "openai":
        found = [each.get("reasoning_content") for each in body["messages"] if each["role"] == "assistant"]
    else:
        turns = [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]
        found = [block.get("signature") for block in turns[0] if block["type"] == "thinking"]
    return next(iter(found), None)


class Matrix:
    """All cells, each check tried once."""

    def __init__(self, gateway: Serving, upstreams: Mapping[Speaks, Upstream]) -> None:
        self.cells = {
            (client, speaks, stream): Cell(client, speaks, stream, gateway, upstreams[speaks])
            for client in CLIENTS
            for speaks in PROTOCOLS
            for stream in (True, False)
        }
        self._outcomes: dict[tuple[Cell, Check], Reason | None] = {}

    def outcome(self, cell: Cell, check: Check) -> Reason | None:
        """Nothing, or why it cannot be. AssertionError where it does not work."""
        if (cell, check) not in self._outcomes:
            self._outcomes[cell, check] = check(cell)
        return self._outcomes[cell, check]


@contextlib.contextmanager
def matrix(folder: Path) -> Iterator[Matrix]:
    """A gateway with an upstream for each protocol."""
    with contextlib.ExitStack() as stack:
        upstreams = {speaks: stack.enter_context(Upstream()) for speaks in PROTOCOLS}
        places = [f"  {speaks}: {{ url: '{up.url}', speaks: {speaks} }}" for speaks, up in upstreams.items()]
        profile = folder / "matrix.yaml"
        models = [f"  {speaks}: {speaks}/some-model" for speaks in PROTOCOLS]
        text = "\n".join(["upstreams:", *places, "models:", *models, ""])
        profile.write_text(text.replace("speaks: openai", "replay: true"), encoding="utf-8")
        yield Matrix(stack.enter_context(Serving(profile)), upstreams)
