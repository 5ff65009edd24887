"""Usage over HTTP: what requests leave behind, what may be asked, and one sent again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.admin.owning import ROUTES, TOKEN, events, got, own
from endpoints.conftest import CANARY
from endpoints.talk import chat
from idetour.gateway import lately
from upstream import Upstream, objecting, until

if TYPE_CHECKING:
    from conftest import Serving

MINE = [{"role": "user", "content": "the secret plan"}]


@pytest.fixture
def keeping(served: Callable[..., "Serving"], tmp_path: Path) -> "Serving":
    return served(ROUTES, admin=TOKEN, state=tmp_path, keep_bodies=True)


def test_a_request_is_summed_listed_and_told_in_full(owned: "Serving") -> None:
    chat(owned.port, headers={"user-agent": "Trae/3.3"})
    chat(owned.port, stream=True)
    totals = got(owned.port, "usage")["totals"]
    [latest, first] = got(owned.port, "requests")["requests"]
    whole = got(owned.port, f"requests/{first['id']}")

    assert (totals["requests"], totals["prompt"], totals["completion"], totals["unpriced"]) == (2, 18, 6, 2)
    assert (first["client"], first["asked"], first["target"], first["counted"]) == (
        "Trae",
        "m",
        "up/model",
        "reported",
    )
    assert (latest["stream"], latest["first_token"] > 0, latest["cost"]) == (True, True, None)
    assert first["estimate"] > 0
    assert [each["outcome"] for each in whole["attempts"]] == ["answered"]
    assert json.loads(whole["bodies"]["request"])["model"] == "m"
    assert {name: whole[name] for name in first} == first


def test_groups_and_courses(owned: "Serving") -> None:
    for model in ("m", "up/x", "up/x"):
        chat(owned.port, model=model)

    groups = got(owned.port, "usage?since=1h&by=model")["groups"]
    points = got(owned.port, "usage/series?since=2h&step=hour&model=m")["points"]
    assert [(each["name"], each["requests"]) for each in groups] == [("up/x", 2), ("m", 1)]
    assert (len(points), sum(each["requests"] for each in points)) == (3, 1)


def test_failures_count_against_who_failed(owned: "Serving", upstream: Upstream) -> None:
    upstream.always(objecting(lambda _: "no"))
    chat(owned.port)
    [found] = got(owned.port, "usage/availability?since=1h&step=day")["targets"]

    assert (found["target"], found["points"][0][1:]) == ("up/model", [1, 1])


def test_pages_follow_each_other(owned: "Serving") -> None:
    for _ in range(5):
        chat(owned.port)
    first = got(owned.port, "requests?limit=3")
    second = got(owned.port, f"requests?limit=3&before={first['next']}")

    assert (len(first["requests"]), len(second["requests"]), second["next"]) == (3, 2, None)
    assert got(owned.port, "requests?outcome=failed")["requests"] == []


def test_one_that_is_under_way_or_unknown(owned: "Serving") -> None:
    assert own(owned.port, path="/admin/api/requests/req_none").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "usage?by=colour",
        "usage?since=yesterday",
        "usage?since=1h&until=2h",
        "usage/series?step=year",
        "usage/series?since=2w&step=minute",
        "requests?limit=many",
        "requests?before=x",
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(owned: "Serving", path: str) -> None:
    answer = own(owned.port, path=f"/admin/api/{path}")

    assert answer.status == 400
    assert len(answer.json()["error"]["message"]) > 20


def test_usage_survives_a_restart(served: Callable[..., "Serving"], tmp_path: Path) -> None:
    how: dict[str, Any] = {"admin": TOKEN, "state": tmp_path}
    first = served(ROUTES, **how)
    chat(first.port)
    assert until(lambda: got(first.port, "usage")["totals"]["requests"] == 1)
    second = served(ROUTES, **how)

    assert got(second.port, "usage")["totals"]["requests"] == 1
    assert (tmp_path / "usage.sqlite").stat().st_mode & 0o777 == 0o600


def test_what_is_said_stays_nowhere_unless_it_is_asked_for(owned: "Serving", tmp_path: Path) -> None:
    chat(owned.port, messages=MINE)
    got(owned.port, "usage")
    owned.gateway.pipeline.chronicle.close()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert b"up/model" in written
    assert b"secret plan" not in written
    assert b"Hello" not in written


def test_a_kept_request_is_sent_again_to_another_target(keeping: "Serving", upstream: Upstream) -> None:
    chat(keeping.port, messages=MINE, stream=True)
    [row] = got(keeping.port, "requests")["requests"]
    answer = own(keeping.port, "POST", "/admin/api/again", {"id": row["id"], "target": "up/other"})
    asked = json.loads(upstream.requests[-1].body)

    assert answer.headers["x-idetour-target"] == "up/other"
    assert (
        "".join(each["choices"][0]["delta"].get("content", "") for each in events(answer) if each["choices"])
        == "Hello, world"
    )
    assert (asked["model"], asked["messages"]) == ("other", MINE)
    assert "the secret plan" in got(keeping.port, f"requests/{row['id']}")["bodies"]["request"]


def test_the_latest_can_be_sent_again_though_nothing_is_kept(owned: "Serving", upstream: Upstream) -> None:
    chat(owned.port, messages=MINE)
    [row] = got(owned.port, "requests")["requests"]
    answer = own(owned.port, "POST", "/admin/api/again", {"id": row["id"], "target": "up/other"})

    assert answer.headers["x-idetour-target"] == "up/other"
    assert events(answer)[-1]["usage"]["total_tokens"] > 0
    assert json.loads(upstream.requests[-1].body)["messages"] == MINE


def test_a_key_in_what_was_said_is_not_shown(owned: "Serving") -> None:
    chat(owned.port, messages=[{"role": "user", "content": f"my key is {CANARY}"}])
    [row] = got(owned.port, "requests")["requests"]
    shown = got(owned.port, f"requests/{row['id']}")["bodies"]["request"]

    assert "my key is" in shown
    assert CANARY not in shown


def test_what_was_not_kept_cannot_be_sent_again(owned: "Serving", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lately, "MOST", 0)
    chat(owned.port)
    [row] = got(owned.port, "requests")["requests"]
    answer = own(owned.port, "POST", "/admin/api/again", {"id": row["id"]})

    assert (answer.status, answer.code) == (409, "body_not_kept")
    assert "--keep-bodies" in answer.json()["error"]["message"]
    assert own(owned.port, "POST", "/admin/api/again", {"id": "req_none"}).status == 404
