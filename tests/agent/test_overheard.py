"""What a model says reaches who follows its task while it is said: upstream, gateway, supervisor, store, client."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import sseclient

from agent.database import Database
from agent.model import DONE, Model, bash
from agent.serving import Server
from conftest import Serving
from idetour.agent.layout import DATABASE
from idetour.agent.live import PAUSES
from idetour.endpoints.admin import token
from idetour.home import folder
from upstream import until


def told(server: Server, id: str) -> list[dict[str, Any]]:
    return [*server.events(id)]


def said(events: list[dict[str, Any]], step: int, kind: str) -> str:
    """All that was told live of a step, of one kind."""
    return "".join(
        each[kind] for each in events if each["type"] == "llm.delta" and each["step"] == step and kind in each
    )


@pytest.mark.parametrize("provider", [None, "openai", "anthropic"])
def test_what_the_model_says_is_told_before_its_response(
    idetour: tuple[Serving, Model], serve: Callable[..., Server], provider: str | None
) -> None:
    """Trae Agent asks for whole answers, in three protocols; the gateway asks for streams."""
    gateway, upstream = idetour
    upstream.turns, upstream.pause = ([bash("echo " + "x" * 80)], [DONE]), 0.03
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml")
    events = told(server, server.submit(model="coder", provider=provider))
    types = [each["type"] for each in events]
    response = types.index("llm.response")

    assert events[-1]["status"] == "completed", events[-2]
    assert [each["seq"] for each in events] == [*range(1, len(events) + 1)]
    assert types[types.index("step.started") + 1 : response] == ["llm.delta"] * (response - 3)
    assert types[response:].index("step.started") < types[response:].index("llm.delta")
    assert said(events, 1, "text") == "working on it"
    assert json.loads(said(events, 1, "arguments")) == {"command": "echo " + "x" * 80, "restart": False}
    assert {each["tool"] for each in events if "tool" in each} == {"bash", "task_done"}
    assert 3 < types.count("llm.delta") < 20


def test_a_request_for_a_whole_answer_stays_one_where_nobody_wants_to_hear(
    idetour: tuple[Serving, Model], serve: Callable[..., Server]
) -> None:
    gateway, upstream = idetour
    silent = serve([DONE], gateway=gateway.url, config="/nowhere.yaml", live=False)
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml")
    types = [
        each["type"]
        for asked in (silent.submit(model="coder"), server.submit(model="coder", live=False))
        for each in told(server, asked)
    ]

    assert types.count("complete") == 2
    assert "llm.delta" not in types
    assert not any(request.get("stream") for request in upstream.requests)


def test_a_client_that_leaves_and_returns_amid_what_is_said_hears_each_piece_once(
    idetour: tuple[Serving, Model], serve: Callable[..., Server]
) -> None:
    gateway, upstream = idetour
    upstream.turns, upstream.pause = ([bash("echo " + "x" * 120)], [DONE]), 0.03
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml")
    id = server.submit(model="coder")
    seen: list[dict[str, Any]] = []
    visits = 0
    while not seen or seen[-1]["type"] != "end":
        visits += 1
        for event in server.events(id, after=seen[-1]["seq"] if seen else 0):
            seen.append(event)
            if event["type"] == "llm.delta":
                break  # the connection is closed here

    assert visits > 3
    assert [each["seq"] for each in seen] == [*range(1, len(seen) + 1)]
    assert json.loads(said(seen, 1, "arguments"))["command"] == "echo " + "x" * 120


@pytest.mark.usefixtures("by_cli")
def test_without_the_driver_it_is_told_as_well(
    idetour: tuple[Serving, Model], serve: Callable[..., Server]
) -> None:
    gateway, upstream = idetour
    upstream.turns, upstream.pause = ([bash("echo " + "x" * 40)], [DONE]), 0.03
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml")
    events = told(server, server.submit(model="coder"))
    types = [each["type"] for each in events]

    assert types.index("llm.delta") < types.index("llm.response")
    assert (said(events, 1, "text"), said(events, 2, "text")) == ("working on it", "working on it")


def test_a_model_that_writes_for_long_is_at_work(
    idetour: tuple[Serving, Model], serve: Callable[..., Server]
) -> None:
    gateway, upstream = idetour
    upstream.turns, upstream.pause = ("x" * 80, [DONE]), 0.15
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml", idle=0.9)
    task = server.done(model="coder")

    assert (task["status"], task["error"]) == ("completed", None)


def test_a_gateway_that_starts_again_is_heard_again(
    home: Path,
    models: Callable[..., Model],
    profile_file: Callable[..., Path],
    serve: Callable[..., Server],
    work: Path,
) -> None:
    """The run goes on, and so does what is told of it."""
    model = models([bash("touch ready; while [ ! -e go ]; do sleep 0.05; done")], [DONE], pause=0.03)
    profile = profile_file(
        f"upstreams: {{ up: {{ url: '{model.url}', key: k }} }}\nmodels: {{ coder: up/m }}"
    )
    state = folder("state")
    how: dict[str, Any] = {"admin": token(state), "state": state}
    with Serving(profile, **how) as gateway:
        server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml")
        id = server.submit(model="coder")
        assert until((work / "ready").exists, within=20)
    with Serving(profile, gateway.port, **how):
        time.sleep(sum(PAUSES[:2]) + 0.3)  # until it is tried again
        (work / "go").touch()
        events = told(server, id)

    assert events[-1]["status"] == "completed", events[-2]
    assert said(events, 1, "text") == "working on it"
    assert said(events, 2, "text") == "working on it"


def test_machines_that_share_a_database_are_told_too(
    idetour: tuple[Serving, Model],
    serve: Callable[..., Server],
    postgres: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(DATABASE, postgres.fresh())
    gateway, upstream = idetour
    upstream.pause = 0.03
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml")
    events = told(server, server.submit(model="coder"))

    assert said(events, 1, "text") == "working on it"
    assert [each["seq"] for each in events] == [*range(1, len(events) + 1)]


def test_an_older_client_comes_to_the_end_with_them(
    idetour: tuple[Serving, Model], serve: Callable[..., Server]
) -> None:
    """As its readers go: by type, and what they do not know is passed over."""
    gateway, upstream = idetour
    upstream.pause = 0.03
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml", open=True)
    url = f"{server.url}/api/tasks/{server.submit(model='coder')}/stream"
    seen = []
    with requests.get(url, stream=True, timeout=30) as answer:
        for event in sseclient.SSEClient(answer).events():  # type: ignore[arg-type]
            assert event.event == "message"
            seen.append(json.loads(event.data)["type"])

    assert "llm.delta" in seen
    assert seen[-2:] == ["complete", "end"]
