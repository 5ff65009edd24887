"""What may be asked for, with what is known of it; and a question to it."""

import json
from typing import TYPE_CHECKING

from endpoints.admin.owning import events, got, own
from upstream import Upstream

if TYPE_CHECKING:
    from conftest import Serving

TEST = "/admin/api/test"


def test_names_routes_and_targets_are_listed(owned: "Serving") -> None:
    own(owned.port, "POST", "/admin/api/weights", {"up/b": 4})
    said = got(owned.port, "models")

    assert [(each["name"], each["kind"], each["targets"], each["ready"]) for each in said["models"]] == [
        ("r", "route", ["up/a", "up/b"], True),
        ("m", "model", ["up/model"], True),
    ]
    assert said["routes"] == {"r": [{"when": None, "use": {"up/a": 1, "up/b": 4}, "else": []}]}
    assert set(said["targets"]) == {"up/a", "up/b", "up/model"}
    assert said["targets"]["up/a"]["price"] is None


def test_keys_are_shown_by_their_ends_alone(owned: "Serving") -> None:
    from endpoints.conftest import CANARY

    assert got(owned.port, "models")["targets"]["up/a"]["key"] == f"…{CANARY[-4:]}"
    assert CANARY not in json.dumps(got(owned.port, "models"))


def test_a_model_is_asked_and_answers_in_a_stream(owned: "Serving", upstream: Upstream) -> None:
    answer = own(owned.port, "POST", TEST, {"model": "m", "text": "are you there?"})

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-idetour-target"] == "up/model"
    assert any(each["choices"] for each in events(answer))
    assert json.loads(upstream.requests[-1].body)["messages"][0]["content"] == "are you there?"
    assert got(owned.port, "requests")["requests"][0]["client"] == "idetour"


def test_a_name_that_nobody_knows_is_refused(owned: "Serving") -> None:
    assert own(owned.port, "POST", TEST, {"model": "nobody"}).status == 404
    assert own(owned.port, "POST", TEST, {}).status == 400
