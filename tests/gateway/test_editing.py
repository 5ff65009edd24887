"""Models whose answers need help: what the client gets of them, and who says that they do."""

import asyncio
import json
from typing import Any

import pytest

from idetour.gateway.attempt import attempt, read
from idetour.gateway.editing import edits
from idetour.gateway.record import Record
from idetour.profile import KnownModel, Manners, Model, Target
from idetour.profile import Upstream as Place
from idetour.routes.plan import Candidate
from idetour.upstreams import Transports
from idetour.upstreams.transport import Pool
from idetour.wire import chat
from idetour.wire.chat import ChatRequest
from upstream import Script, Upstream, stream, whole
from wire.edited import TOOLS, put_together

TARGET = Target("up", "x")
CALL = '<tool_call>{"name":"ls","arguments":{}}</tool_call>'
CALLED = ["ls", "{}"]


def candidate(url: str = "http://127.0.0.1:9", *, speaks: Any = "openai", **manners: Any) -> Candidate:
    """One whose model the profile describes."""
    place = Place(name="up", title="Up", url=url, speaks=speaks)
    return Candidate(
        target=TARGET, upstream=place, model=Model(name="asked", target=TARGET, manners=Manners(**manners))
    )


def asking(*, streaming: bool = True, **fields: Any) -> ChatRequest:
    body = {"model": "asked", "stream": streaming, "messages": [{"role": "user", "content": "hi"}], **fields}
    return chat.read(json.dumps(body).encode())


def answered(upstream: Upstream, *, streaming: bool, **manners: Any) -> tuple[dict[str, Any], list[str]]:
    """The message that the client gets, and what the record says of it."""
    record = Record(asked="asked", door="direct")

    async def run() -> dict[str, Any]:
        pool = Pool()
        try:
            request = asking(streaming=streaming, tools=TOOLS)
            answer = await attempt(
                Transports(pool), request, candidate(upstream.url, **manners), key=None, record=record
            )
            said = answer.held
            while answer.relay and not answer.relay.done:
                said += answer.relay.feed(await read(answer.incoming))
            answer.close()
            choice = put_together(said) if streaming else json.loads(said)["choices"][0]
            return dict(choice["message"], finish=choice["finish_reason"])
        finally:
            await pool.close()

    return asyncio.run(run()), record.changed


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    "script", [whole(f"<think>Hm.</think>Yes.{CALL}"), stream("<thi", "nk>Hm.</think>Yes.", CALL)]
)
def test_an_answer_is_edited_however_it_comes_and_goes(
    upstream: Upstream, script: Script, streaming: bool
) -> None:
    upstream.always(script)
    message, changed = answered(upstream, streaming=streaming, think="inline", repair=True)
    calls = [[call["function"]["name"], call["function"]["arguments"]] for call in message["tool_calls"]]

    assert (message["reasoning_content"], message["content"], calls) == ("Hm.", "Yes.", [CALLED])
    assert message["finish"] == "tool_calls"
    assert changed == ["repaired 1 tool call"]


@pytest.mark.parametrize("streaming", [True, False])
def test_of_a_model_that_was_not_described_nothing_is_touched(upstream: Upstream, streaming: bool) -> None:
    said = f"<think>Hm.</think>Yes.{CALL}"
    upstream.always(whole(said))

    assert answered(upstream, streaming=streaming)[0]["content"] == said


def test_the_profile_wins_over_the_catalog_and_that_over_the_upstream() -> None:
    known = KnownModel(target=TARGET, title="X", manners=Manners(think="opened", repair=True))
    place = Place(
        name="up", title="Up", url="http://127.0.0.1:9", manners=Manners(think="inline", cumulative=True)
    )
    model = Model(name="asked", target=TARGET, manners=Manners(think="off"))
    candidate = Candidate(target=TARGET, upstream=place, model=model, known=known)
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": TOOLS}
    request = chat.read(json.dumps(body).encode())
    made = edits(request, candidate, note=print)

    assert made is not None
    assert (made.think, made.offered is not None, made.cumulative) == (None, True, True)


@pytest.mark.parametrize(
    ("fields", "offered"),
    [
        ({"tools": TOOLS}, ["ls", "read", "write"]),
        ({"tools": TOOLS, "tool_choice": "none"}, None),
        ({"tools": []}, None),
        ({"tools": "x"}, None),
        ({}, None),
    ],
)
def test_only_what_was_offered_can_be_called(fields: dict[str, Any], offered: list[str] | None) -> None:
    made = edits(asking(**fields), candidate(repair=True), note=print)

    assert made is not None
    assert (made.offered if made.offered is None else list(made.offered)) == offered


@pytest.mark.parametrize("speaks", ["anthropic", "responses"])
def test_protocols_that_have_both_apart_need_no_edits(speaks: str) -> None:
    assert (
        edits(asking(tools=TOOLS), candidate(speaks=speaks, repair=True, think="inline"), note=print) is None
    )
