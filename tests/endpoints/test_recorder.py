"""The stream of recordings: who gets it, what is in it, and that nothing is kept when nobody listens."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import openai
import pytest

from endpoints.conftest import CANARY
from endpoints.talk import Line, ask, chat, request
from idetour.endpoints import recorder
from idetour.endpoints.recorder import RECORD
from idetour.gateway.scrub import GONE
from idetour.secret import Secret
from idetour.wire.sse import Event, Reader
from upstream import Upstream, call, status, stream, until

if TYPE_CHECKING:
    from conftest import Serving

TOKEN = Secret("t" * 43)
BEARER = {"authorization": f"Bearer {TOKEN.reveal()}"}


@pytest.fixture
def owned(served: Callable[..., "Serving"]) -> "Serving":
    return served("access: [open-sesame-please]", admin=TOKEN)


KEY = {"authorization": "Bearer open-sesame-please"}


@contextmanager
def listening(port: int, **wanted: Any) -> Iterator[Iterator[Event]]:
    """The events that a listener gets. They have begun when this is entered."""
    url = f"http://127.0.0.1:{port}{RECORD}"
    with httpx2.stream("POST", url, json=wanted, headers=BEARER, timeout=10, trust_env=False) as answer:
        assert answer.status_code == 200, answer.read()
        pieces = answer.iter_bytes()
        next(pieces)
        yield heard(pieces)


def heard(pieces: Iterator[bytes]) -> Iterator[Event]:
    """The signs of life in between would let a test wait for ever."""
    reader, until = Reader(), time.monotonic() + 10
    for piece in pieces:
        yield from reader.feed(piece)
        assert time.monotonic() < until, "nothing was told"


def told(event: Event) -> Any:
    assert event.name == b"request"
    return json.loads(event.data)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer x"}, KEY])
def test_only_who_owns_it_may_listen(owned: "Serving", headers: dict[str, str]) -> None:
    assert ask(owned.port, "POST", RECORD, b"{}", content_type="application/json", **headers).status == 401


@pytest.mark.parametrize("body", [b"[]", b'{"mdoel": "x"}', b"{", b'{"data": "no"}'])
def test_a_wish_that_is_not_understood_is_refused(owned: "Serving", body: bytes) -> None:
    answer = ask(owned.port, "POST", RECORD, body, content_type="application/json", **BEARER)

    assert answer.status == 400
    assert 'Send {"model": "…", "data": true}' in answer.json()["error"]["message"]


def test_a_request_is_told_with_its_answer_and_without_keys(owned: "Serving", upstream: Upstream) -> None:
    upstream.then(stream(f"Your key is {CANARY}.", *call("write", {"path": "a", "key": CANARY})))
    with listening(owned.port) as events:
        content = f"{CANARY} open-sesame-please ghp_{'a1' * 20}"
        messages = [{"role": "user", "content": content}]
        headers = {**KEY, "user-agent": "ide/1", "x-corp-auth": "hidden"}
        chat(owned.port, stream=True, messages=messages, headers=headers)
        made = told(next(events))

    assert made["protocol"] == "chat"
    assert made["headers"] == {"user-agent": "ide/1"}
    assert made["body"] == {
        "model": "m",
        "messages": [{"role": "user", "content": f"{GONE} {GONE} {GONE}"}],
        "stream": True,
    }
    assert made["answer"]["text"] == f"Your key is {GONE}."
    assert made["answer"]["tool_calls"][0]["name"] == "write"
    assert (made["answer"]["target"], made["answer"]["outcome"]) == ("up/model", "ok")
    assert CANARY not in json.dumps(made)


def test_what_is_typed_in_place_of_a_key_is_a_word_elsewhere(
    served: Callable[..., "Serving"],
) -> None:
    port = served(admin=TOKEN).port
    with listening(port) as events:
        messages = [{"role": "user", "content": "Is anything left of a-key-of-the-client?"}]
        chat(port, messages=messages, headers={"authorization": "Bearer anything"})
        chat(port, messages=messages, headers={"x-api-key": "a-key-of-the-client"})
        said = [told(next(events))["body"]["messages"][0]["content"] for _ in range(2)]

    assert said == [messages[0]["content"], f"Is anything left of {GONE}?"]


def test_each_protocol_is_told_as_it_was_spoken(owned: "Serving", upstream: Upstream) -> None:
    """By the SDKs, streamed, with what Chat has no word for."""
    key = KEY["authorization"].partition(" ")[2]
    with listening(owned.port) as events:
        client = openai.OpenAI(base_url=f"{owned.url}/v1", api_key=key)
        with client, client.responses.stream(model="m", input="hi") as streamed:
            streamed.until_done()
        responses = told(next(events))
        with anthropic.Anthropic(base_url=owned.url, api_key=key) as claude:
            block: Any = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
            turn: Any = {"role": "user", "content": [block]}
            claude.messages.create(model="m", max_tokens=9, messages=[turn])
        messages = told(next(events))

    assert (responses["protocol"], responses["body"]["input"]) == ("responses", "hi")
    assert (messages["protocol"], messages["body"]["messages"]) == ("messages", [turn])
    assert messages["headers"].keys() >= {"anthropic-version", "user-agent"}
    assert [each["answer"]["text"] for each in (responses, messages)] == ["Hello, world", "Hello, world"]


def test_a_compressed_request_and_a_failed_one_are_told_too(owned: "Serving", upstream: Upstream) -> None:
    body = gzip.compress(json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode())
    upstream.always(status(400))
    with listening(owned.port) as events:
        ask(owned.port, "POST", "/v1/chat/completions", body, content_encoding="gzip", **KEY)
        made = told(next(events))

    assert made["body"]["messages"][0]["content"] == "hi"
    assert (made["answer"]["outcome"], made["answer"]["status"]) == ("failed", 400)
    assert "upstream says 400" in made["answer"]["error"]


def test_only_the_model_that_was_asked_for_is_told_and_files_by_size(owned: "Serving") -> None:
    image = "data:image/png;base64," + "iVBORw0K" * 10
    content = [{"type": "image_url", "image_url": {"url": image}}]
    with listening(owned.port, model="m", data=False) as events:
        chat(owned.port, model="up/model", headers=KEY)
        chat(owned.port, messages=[{"role": "user", "content": content}], headers=KEY, path="/")
        made = told(next(events))
    with listening(owned.port, model="up/model") as events:  # the target, whatever was asked for
        chat(owned.port, headers=KEY)
        by_target = told(next(events))

    assert made["body"]["messages"][0]["content"][0]["image_url"]["url"].endswith(",[60 bytes left out]")
    assert made["removed"] == {"data": 1, "keys": 0}
    assert by_target["body"]["model"] == "m"


def test_a_listener_that_left_is_forgotten_and_nothing_is_kept(owned: "Serving") -> None:
    made = owned.gateway.app.recorder
    with listening(owned.port):
        assert len(made._listeners) == 1
    assert until(lambda: not made._listeners)
    chat(owned.port, headers=KEY)

    assert not made._making


def test_a_listener_that_does_not_read_loses_requests_and_is_told_how_many(
    owned: "Serving", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MOST_WAITING", 0)
    with listening(owned.port) as events:
        chat(owned.port, headers=KEY)
        chat(owned.port, headers=KEY)
        missed = 0
        while missed < 2:
            event = next(events)
            assert event.name == b"missed"
            missed += int(event.data)

    assert missed == 2


def test_a_client_that_leaves_is_recorded_as_such(owned: "Serving", upstream: Upstream) -> None:
    upstream.always(stream("Hello").stall_after(2))
    with listening(owned.port) as events:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True})
        with Line(owned.port) as line:
            line.send(request("POST", "/v1/chat/completions", body.encode(), **KEY))
            line.socket.recv(10)
        made = told(next(events))

    assert made["answer"]["outcome"] == "left"
