"""What is served where, however the path is written."""

import pytest

from endpoints.talk import ask
from idetour.endpoints.places import PLACES, find, tidy


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/chat/completions/", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("//v1/v1/v1//chat/completions//", "/v1/chat/completions"),
        ("/api/v1/chat/completions", "/v1/chat/completions"),
        ("/compatible-mode/v1/models", "/v1/models"),
        ("/models/a/b", "/v1/models/a/b"),
        ("/", "/"),
        ("", "/"),
        ("//", "/"),
        ("/v1", "/v1"),
        ("/v11/models", "/v11/models"),
        ("/v1models", "/v1models"),
    ],
)
def test_a_path_is_what_its_writer_meant(pasted: str, meant: str) -> None:
    assert tidy(pasted) == meant


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("/v1/chat/completions/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/models", "/v1/models"),
        ("/chat/completions/models", "/chat/completions/models"),
    ],
)
def test_an_endpoint_pasted_as_base_url_is_understood(pasted: str, meant: str) -> None:
    assert tidy(pasted) == meant


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("HEAD", "/v1/chat/completions", "POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("DELETE", "/v1/models/m", "GET, HEAD"),
        ("PUT", "/", "GET, HEAD, POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(port: int, method: str, path: str, allow: str) -> None:
    answer = ask(port, method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/v1/models/nim/a/b", "/v1/models"),
        ("/anthropic/v1/models/m", "/v1/models"),
        ("/admin/pages/usage.js", "/admin"),
        ("/admin/api/requests/req_1", "/admin/api/requests/{id}"),
        ("/admin/api/nothing", None),
        ("/admin/api/requests/req_1/more", None),
        ("/v1/responses/abc", None),  # another's: not kept here
    ],
)
def test_a_path_with_a_name_in_it_is_found(path: str, place: str | None) -> None:
    assert find(path) is (PLACES[place] if place else None)


def test_what_is_the_owners_or_the_dashboards_is_not_served_as_an_intercepted_host() -> None:
    direct = {path for path in PLACES if find(path, "api.openai.com") is None}
    assert direct == {
        path
        for path in PLACES
        if path.startswith(("/admin", "/auth", "/metrics", "/api/config", "/docs", "/openapi"))
    }


def test_nothing_of_the_owners_is_shown_to_others() -> None:
    others = {path for path, place in PLACES.items() if place.who != "owner"}
    assert {path for path in others if path.startswith(("/admin", "/auth", "/metrics", "/api/config"))} == {
        "/admin",
        "/auth",
    }


def test_a_path_that_repeats_itself_without_end_is_only_a_path(port: int) -> None:
    assert tidy("/anthropic" * 10_000 + "/v1/messages") == "/v1/messages"
    assert ask(port, "GET", "/anthropic" * 5_000).status == 404


def test_what_is_the_owners_is_served_under_our_own_name_alone() -> None:
    owners = [path for path, place in PLACES.items() if place.who == "owner"]
    assert [path for path in owners if not PLACES[path].direct or find(path, "api.openai.com")] == []
    assert {"/metrics", "/auth/poll", "/admin/api/tokens", "/admin/api/record"} <= {*owners}
