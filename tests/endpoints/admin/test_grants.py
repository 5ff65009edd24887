"""`/admin/api/tokens` to its owner. What the tokens open is in tests/endpoints/test_grants.py."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.admin.owning import Listening, own
from endpoints.talk import Answer, ask, chat
from idetour.endpoints.admin import HEADER
from idetour.gateway import news
from idetour.secret import Secret
from upstream import Upstream, reply, stream, think, until

if TYPE_CHECKING:
    from conftest import Serving


def test_a_token_is_said_once_and_listed_without_it(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Path], tmp_path: Path
) -> None:
    admin = Secret("t" * 43)
    port = serving(profile_file("models: { m: demo/hello }"), admin=admin, state=tmp_path).port
    headers = {"content_type": "application/json", HEADER.replace("-", "_"): admin.reveal()}
    path, body = "/admin/api/tokens", json.dumps({"label": "l" * 300, "models": ["m"]}).encode()
    made = ask(port, "POST", path, body, **headers).json()
    listed = ask(port, "GET", path, b"", **headers)

    assert made["token"].startswith("idt-")
    assert set(made) == {"id", "label", "expires", "models", "usage", "token"}
    assert [{**grant, "token": made["token"]} for grant in listed.json()["tokens"]] == [made]
    assert made["token"].encode() not in listed.body
    assert len(made["label"]) == 200


# What is said to who asks with one, told live. What is told: tests/compatibility/test_live.py.

SAID = "/admin/api/tokens/said?id="


def issued(owned: "Serving", **wanted: Any) -> dict[str, Any]:
    return dict(own(owned.port, "POST", "/admin/api/tokens", wanted).json())


def asked(owned: "Serving", grant: dict[str, Any]) -> Answer:
    return chat(owned.port, headers={"authorization": f"Bearer {grant['token']}"})


def kinds(line: Listening, count: int) -> list[str]:
    return [line.event()[1]["type"] for _ in range(count)]


def test_who_listens_hears_its_own_task_alone(owned: "Serving", upstream: Upstream) -> None:
    upstream.always(reply("Hello"))
    mine, other = issued(owned), issued(owned)
    with Listening(owned.port, SAID + mine["id"]) as line:
        _, hello = line.event()
        asked(owned, other)
        chat(owned.port)
        asked(owned, mine)
        told = [line.event()[1] for _ in range(3)]
        asks = owned.gateway.pipeline.recent[-1].id

    assert hello == {"type": "hello", "gap": False}
    assert told == [
        {"type": "begin", "request": asks, "model": "m", "target": "up/model"},
        {"type": "delta", "request": asks, "text": "Hello"},
        {"type": "end", "request": asks, "outcome": "ok"},
    ]


def test_two_listeners_hear_the_same(owned: "Serving", upstream: Upstream) -> None:
    upstream.always(reply("Hello"))
    grant = issued(owned)
    with (
        Listening(owned.port, SAID + grant["id"]) as first,
        Listening(owned.port, SAID + grant["id"]) as second,
    ):
        first.event(), second.event()
        asked(owned, grant)

        assert [first.event() for _ in range(3)] == [second.event() for _ in range(3)]


def test_who_comes_back_with_an_id_misses_nothing_that_was_said(owned: "Serving", upstream: Upstream) -> None:
    upstream.always(reply("Hello"))
    grant = issued(owned)
    with Listening(owned.port, SAID + grant["id"]) as line:
        line.event()
        asked(owned, grant)
        last, _ = line.event()
    asked(owned, grant)
    with Listening(owned.port, SAID + grant["id"], last_event_id=last) as line:
        assert line.event()[1] == {"type": "hello", "gap": False}
        assert kinds(line, 5) == ["delta", "end", "begin", "delta", "end"]


def test_a_listener_that_cannot_keep_up_is_sent_away_and_may_come_back(
    owned: "Serving", upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "MOST_BEHIND", 3)
    upstream.always(stream("a", think("b"), "c", think("d"), "e", think("f")).joined())
    grant = issued(owned)
    with Listening(owned.port, SAID + grant["id"]) as line:
        line.event()
        asked(owned, grant)
        last, _ = line.event()
        assert line.ended()
    with Listening(owned.port, SAID + grant["id"], last_event_id=last) as line:
        assert kinds(line, 8) == ["hello", *["delta"] * 6, "end"]


def test_a_request_goes_on_as_ever_when_nobody_listens_any_more(
    owned: "Serving", upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "BACK_SECONDS", 0.0)
    upstream.always(reply("Hello"))
    grant = issued(owned)
    with Listening(owned.port, SAID + grant["id"]) as line:
        line.event()
        asked(owned, grant)
        kinds(line, 3)
    grants = owned.gateway.app.admin.grants
    [kept] = grants.live()
    assert until(lambda: grants.heard(kept) is None)
    asked(owned, grant)

    assert [request.json()["stream"] for request in upstream.requests] == [True, False]


def test_who_listens_is_told_when_a_token_is_revoked(owned: "Serving") -> None:
    grant = issued(owned)
    with Listening(owned.port, SAID + grant["id"]) as line:
        line.event()
        own(owned.port, "DELETE", "/admin/api/tokens", {"id": grant["id"]})

        assert line.event()[1] == {"type": "over"}
        assert line.ended()


def test_who_listens_is_told_when_a_token_expires(owned: "Serving") -> None:
    grant = issued(owned, seconds=0.5)
    with Listening(owned.port, SAID + grant["id"]) as line:
        assert kinds(line, 2) == ["hello", "over"]
        assert line.ended()


@pytest.mark.parametrize("query", ["", "?id=", "?id=nobody", "?other=1"])
def test_a_token_that_is_not_there_cannot_be_listened_to(owned: "Serving", query: str) -> None:
    answer = own(owned.port, path=f"/admin/api/tokens/said{query}")

    assert (answer.status, answer.json()["error"]["type"]) == (404, "invalid_request_error")


def test_a_task_cannot_listen_to_itself(owned: "Serving") -> None:
    """What is said to it, it hears anyway; what is said to others is none of its business."""
    grant = issued(owned)
    answer = ask(owned.port, "GET", SAID + grant["id"], b"", authorization=f"Bearer {grant['token']}")

    assert answer.status == 401
