"""The live stream over HTTP: heard by `onmessage`, resumed by its ids, closed when nobody listens."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.admin.owning import BEARER, TOKEN, Listening, own
from endpoints.talk import Line, chat
from idetour.endpoints.admin import EVENTS
from idetour.gateway import news
from upstream import until

if TYPE_CHECKING:
    from conftest import Serving


def test_a_request_is_heard_in_its_stages(owned: "Serving") -> None:
    with Listening(owned.port) as line:
        _, hello = line.event()
        chat(owned.port)
        told = [line.event()[1] for _ in range(3)]

    assert (hello["type"], hello["gap"]) == ("hello", False)
    assert [(each["type"], each["stage"], each["outcome"]) for each in told] == [
        ("request", "began", "running"),
        ("request", "committed", "running"),
        ("request", "ended", "ok"),
    ]
    assert told[2]["tokens"]["prompt"] == 9
    assert "hi" not in [*told[0].values()]


def test_who_comes_back_with_an_id_misses_nothing(owned: "Serving") -> None:
    with Listening(owned.port) as line:
        chat(owned.port)
        line.event()
        last, first = line.event()
    chat(owned.port)
    with Listening(owned.port, last_event_id=last) as line:
        _, hello = line.event()
        told = [line.event()[1] for _ in range(5)]

    assert (first["stage"], hello["gap"]) == ("began", False)
    assert [each["stage"] for each in told] == ["committed", "ended", "began", "committed", "ended"]


def test_who_comes_back_after_a_restart_is_told_of_the_gap(owned: "Serving") -> None:
    with Listening(owned.port, last_event_id="another-7") as line:
        assert line.event()[1]["gap"] is True


def test_changes_of_weights_and_cleared_targets_are_told(owned: "Serving") -> None:
    with Listening(owned.port) as line:
        line.event()
        own(owned.port, "POST", "/admin/api/weights", {"up/a": 5})
        own(owned.port, "POST", "/admin/api/clear", {})
        told = [line.event()[1] for _ in range(2)]

    assert told[0] == {"type": "weights", "differs": {"r": {"up/a": {"was": 1, "now": 5}}}}
    assert told[1]["type"] == "cleared"


def test_a_profile_that_changes_is_told(owned: "Serving") -> None:
    path = owned.gateway.watched.current.path
    with Listening(owned.port) as line:
        line.event()
        path.write_text("models: {m: nowhere}")
        told: dict[str, Any] = {}
        while told.get("type") != "profile":
            _, told = line.event()

    assert "nowhere" in told["problem"]


def test_who_leaves_is_forgotten(owned: "Serving") -> None:
    heard = owned.gateway.pipeline.chronicle.news
    with Listening(owned.port) as line:
        line.event()
        assert len(heard._listeners) == 1

    assert until(lambda: not heard._listeners)


def test_too_many_are_refused(owned: "Serving", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "MOST_LISTENERS", 0)
    answer = own(owned.port, path=EVENTS)

    assert (answer.status, answer.code) == (503, "overloaded")


def test_no_key_is_in_what_is_told(owned: "Serving") -> None:
    from endpoints.conftest import CANARY

    with Listening(owned.port) as line:
        chat(owned.port, authorization="Bearer sk-client-key-0123456789")
        said = json.dumps([line.event()[1] for _ in range(4)])

    assert CANARY[-4:] in said
    assert not any(key in said for key in (CANARY, TOKEN.reveal(), "sk-client"))


@pytest.mark.parametrize(("method", "path"), [("GET", "/admin/api/events"), ("POST", "/admin/api/record")])
def test_http_1_0_which_would_wait_for_its_end_is_refused(owned: "Serving", method: str, path: str) -> None:
    """What cannot be sent would be held, and grow."""
    asked = f"{method} {path} HTTP/1.0\r\nhost: localhost\r\nauthorization: {BEARER['authorization']}\r\n\r\n"
    with Line(owned.port) as line:
        assert line.send(asked.encode()).answer().status == 505
