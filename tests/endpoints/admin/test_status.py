"""How targets fare, and what is set while it runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from endpoints.admin.owning import ROUTES, TOKEN, own
from endpoints.talk import chat
from idetour.endpoints import admin
from upstream import Upstream, status, until

if TYPE_CHECKING:
    from conftest import Serving


def answered(port: int, times: int = 8) -> set[str]:
    return {chat(port, model="r").headers["x-idetour-target"] for _ in range(times)}


def test_weights_change_who_answers_from_the_next_request_on(owned: "Serving") -> None:
    answer = own(owned.port, "POST", admin.WEIGHTS, {"up/a": 0})

    change = {"r": {"up/a": {"was": 1, "now": 0}}}
    assert answer.json() == {"changed": change, "differs": change}
    assert answered(owned.port) == {"up/b"}
    assert own(owned.port, "POST", admin.WEIGHTS, {"r": {"up/b": 0, "up/a": 1}}).json() == {
        "changed": {"r": {"up/a": {"was": 0, "now": 1}, "up/b": {"was": 1, "now": 0}}},
        "differs": {"r": {"up/b": {"was": 1, "now": 0}}},
    }
    assert answered(owned.port) == {"up/a"}
    assert own(owned.port).json()["weights"] == {"r": {"up/b": {"was": 1, "now": 0}}}


def test_they_are_taken_back_by_delete(owned: "Serving") -> None:
    own(owned.port, "POST", admin.WEIGHTS, {"up/a": 5})
    answer = own(owned.port, "DELETE", admin.WEIGHTS)

    assert answer.json() == {"changed": {"r": {"up/a": {"was": 5, "now": 1}}}, "differs": {}}


def test_weights_that_mean_nothing_are_refused(owned: "Serving") -> None:
    bodies: list[object] = [{}, {"up/c": 1}, {"up/a": -1}, {"up/a": 0, "up/b": 0}, []]
    for body in bodies:
        assert own(owned.port, "POST", admin.WEIGHTS, body).status == 400, body
    assert own(owned.port, path=admin.WEIGHTS).json() == {"differs": {}}


def test_weights_survive_a_restart_and_a_changed_profile(
    served: Callable[..., "Serving"], tmp_path: Path
) -> None:
    how: dict[str, Any] = {"admin": TOKEN, "state": tmp_path}
    first = served(ROUTES, **how)
    own(first.port, "POST", admin.WEIGHTS, {"up/a": 0})
    second = served(ROUTES, **how)
    assert answered(second.port) == {"up/b"}
    path = second.gateway.watched.current.path
    path.write_text(path.read_text().replace("up/b: 1", "up/b: 1, up/c: 1"))
    assert until(lambda: "up/c" in second.gateway.watched.current.routes["r"][0].use)
    assert "up/a" not in answered(second.port)


def test_the_status_tells_what_happened_and_nothing_that_was_said(
    owned: "Serving", upstream: Upstream
) -> None:
    upstream.then(status(400, {"error": {"message": "no such thing"}}), asked="model")
    for _ in range(2):
        chat(owned.port, model="m", messages=[{"role": "user", "content": "the secret plan"}])
    answer = own(owned.port)
    last, before = answer.json()["recent"]

    assert (last["asked"], last["target"], last["outcome"], last["status"]) == ("m", "up/model", "ok", 200)
    assert (last["tokens"]["prompt"], last["tokens"]["completion"]) == (9, 3)
    assert [each["outcome"] for each in last["attempts"]] == ["answered"]
    assert (before["target"], before["outcome"], before["status"]) == (None, "failed", 400)
    assert last["total"] > 0
    assert "no such thing" in before["error"]
    assert b"Hello" not in answer.body
    assert b"plan" not in answer.body
    assert answer.headers["cache-control"] == "no-store"


def test_the_status_says_when_the_profile_on_disk_is_broken(owned: "Serving") -> None:
    path = owned.gateway.watched.current.path
    assert own(owned.port).json()["profile"] == {"name": "profile", "file": str(path), "problem": None}
    path.write_text("models: {m: nowhere}")
    assert until(lambda: owned.gateway.watched.problem)
    assert "nowhere" in own(owned.port).json()["profile"]["problem"]


def test_no_key_is_in_the_status(owned: "Serving") -> None:
    from endpoints.conftest import CANARY

    chat(owned.port)
    said = own(owned.port).body.decode()

    assert CANARY not in said
    assert TOKEN.reveal() not in said
