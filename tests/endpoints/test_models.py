import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.talk import look
from idetour.endpoints import models
from idetour.errors import NotFound
from idetour.profile import Profile

if TYPE_CHECKING:
    from conftest import Serving


@pytest.fixture
def profile(profiles: Callable[..., Profile]) -> Profile:
    return profiles("models: {b: demo/hello, a: openrouter/x/y}\nroutes: {gpt-4o: [{use: b}]}")


def items(profile: Profile, host: str | None = None) -> list[dict[str, Any]]:
    listing = json.loads(models.listing(profile, {}, host))
    assert listing.keys() == {"object", "data"}
    assert listing["object"] == "list"
    return list(listing["data"])


def test_routes_come_first_and_then_models_in_the_order_of_the_profile(profile: Profile) -> None:
    assert [each["id"] for each in items(profile)] == ["gpt-4o", "b", "a"]


def test_an_item_has_every_field_that_ides_insist_on_in_openais_order(profile: Profile) -> None:
    item = items(profile)[2]
    assert list(item) == ["id", "object", "created", "owned_by", "permission", "root", "parent"]
    assert (item["id"], item["object"], item["owned_by"]) == ("a", "model", "openrouter")
    assert item["permission"][0]["object"] == "model_permission"
    assert 0 < item["created"] < 2**31


def test_a_route_is_owned_by_us(profile: Profile) -> None:
    assert items(profile)[0]["owned_by"] == "idetour"


def test_one_model_is_what_the_list_says_of_it(profile: Profile) -> None:
    for item in items(profile):
        assert json.loads(models.one(profile, {}, item["id"], None)) == item


def test_what_servers_on_this_machine_list_is_offered(profiles: Callable[..., Profile]) -> None:
    profile = profiles("offer: available")
    listing = json.loads(models.listing(profile, {"ollama": ("qwen3:8b",)}, None))
    found = {item["id"]: item["owned_by"] for item in listing["data"]}
    assert found["ollama/qwen3:8b"] == "ollama"
    assert json.loads(models.one(profile, {"ollama": ("qwen3:8b",)}, "ollama/qwen3:8b", None))


def test_an_unknown_id_is_not_found_and_its_neighbours_are_named(profile: Profile) -> None:
    with pytest.raises(NotFound, match="gpt-4o") as caught:
        models.one(profile, {}, "gpt-4", None)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_openrouters_list_has_openrouters_shape(profiles: Callable[..., Profile]) -> None:
    profile = profiles("offer: available", NVIDIA_API_KEY="nvapi-x")
    known = [target for target in profile.catalog.models if target.upstream == "nim"]
    found = {item["id"]: item for item in items(profile, "openrouter.ai")}
    for target in known:
        facts = profile.known(target)
        if facts and not facts.retired:
            item = found[str(target)]
            assert item["name"] == facts.title
            assert (
                item["context_length"] == item["top_provider"]["context_length"] == facts.context or 131_072
            )
            assert {"architecture", "pricing", "canonical_slug", "supported_parameters"} <= item.keys()
    assert "pricing" not in items(profile, "api.openai.com")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/models",
        "/v1/models/",
        "/v1/v1/models",
        "//v1//models",
        "/api/v1/models",
        "/openai/v1/models",
    ],
)
def test_the_list_is_found_however_the_url_was_pasted(port: int, path: str) -> None:
    answer = look(port, path)
    assert (answer.status, [each["id"] for each in answer.json()["data"]]) == (200, ["m"])


@pytest.mark.parametrize("path", ["/v1/models/up%2Fx%20y", "/models/up/x%20y", "/v1/models/up/x%20y/"])
def test_a_model_with_a_slash_is_found_encoded_and_plain(served: Callable[..., "Serving"], path: str) -> None:
    port = served("routes: {'up/x y': [{use: m}]}").port
    assert look(port, path).json()["id"] == "up/x y"


def test_an_unknown_model_is_refused_as_openai_does(port: int) -> None:
    answer = look(port, "/v1/models/nope%0d%0aset-cookie:%20a=b")
    assert (answer.status, answer.json()["error"].keys()) == (404, {"message", "type", "param", "code"})
    assert (answer.code, "set-cookie" in answer.headers) == ("model_not_found", False)
