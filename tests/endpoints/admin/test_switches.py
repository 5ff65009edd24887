"""A target switched off and on, over HTTP."""

from typing import TYPE_CHECKING

from endpoints.admin.owning import got, own
from endpoints.talk import chat

if TYPE_CHECKING:
    from conftest import Serving

PATH = "/admin/api/switches"


def test_what_is_off_is_not_asked_and_says_so(owned: "Serving") -> None:
    assert own(owned.port, "POST", PATH, {"target": "up/model", "on": False}).json() == {"off": ["up/model"]}
    refused = chat(owned.port)
    assert (refused.status, refused.code) == (503, "switched_off")
    assert "switched off" in refused.json()["error"]["message"]
    assert got(owned.port, "models")["off"] == ["up/model"]

    assert own(owned.port, "POST", PATH, {"target": "up/model", "on": True}).json() == {"off": []}
    assert chat(owned.port).status == 200


def test_the_others_of_a_route_take_over(owned: "Serving") -> None:
    own(owned.port, "POST", PATH, {"target": "up/a", "on": False})

    assert {chat(owned.port, model="r").headers["x-idetour-target"] for _ in range(4)} == {"up/b"}


def test_what_is_no_target_is_refused(owned: "Serving") -> None:
    assert own(owned.port, "POST", PATH, {"target": "m", "on": False}).status == 400
    assert own(owned.port, "POST", PATH, {"target": "up/model"}).status == 400
    assert got(owned.port, "switches") == {"off": []}
