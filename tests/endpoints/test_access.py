"""Who may ask. The combinations are those of a browser that was lured somewhere, and of a key that is almost right."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.endpoints.access import (
    access_mark,
    check_host,
    check_key,
    check_origin,
    client_key,
    is_direct,
    presented,
)
from idetour.errors import Forbidden, Unauthorized
from idetour.profile import Profile

KEY = "Sk-Access-0123456789"
NONE: frozenset[str] = frozenset()


@pytest.fixture
def locked(profiles: Callable[..., Profile]) -> Profile:
    return profiles("models: {m: demo/hello}\naccess: $ACCESS", ACCESS=f"{KEY},second-key")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST:8080", "[::1]", "[::1]:8080", "127.0.0.1:1"]
)
def test_our_own_names_are_ours(host: str) -> None:
    check_host({"host": host}, NONE)


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example"),
        *(
            "x@localhost",
            "localhost@evil.example",
            "localhost:8080@evil.example",
            "localhost/../evil",
            "localhost#x",
        ),
        *(
            "[::1]evil.example",
            "[::1",
            "::1",
            "127.0.0.1:",
            "127.0.0.1:80:80",
            "localhost, evil.example",
            "localhost ",
        ),
        *("0.0.0.0", "127.1", "2130706433", "localhost.", "127.0.0.1?x", "\u0661"),
    ],
)
def test_no_other_name_is(host: str) -> None:
    with pytest.raises(Forbidden):
        check_host({"host": host}, NONE)


def test_a_name_that_was_allowed_is_ours_too() -> None:
    check_host({"host": "workstation.lan:8080"}, frozenset({"workstation.lan"}))


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:5173", "vscode-file://app"]
)
def test_a_page_on_this_machine_and_an_ides_window_may_ask(origin: str) -> None:
    assert check_origin({"origin": origin}, NONE) == origin


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "null",
            "",
            "*",
            "https://evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
        ),
        *(
            "http://[",
            "http://[::1]evil",
            "http://localhost:x",
            "HTTPS://evil.example",
            "http://localhost@evil.example",
        ),
        *("localhost", "http://localhost, https://evil.example", "http://", "https://\x00"),
    ],
)
def test_no_page_from_elsewhere_may(origin: str) -> None:
    with pytest.raises(Forbidden):
        check_origin({"origin": origin}, NONE)


def test_a_page_that_was_allowed_may() -> None:
    assert (
        check_origin({"origin": "https://ide.example"}, frozenset({"https://ide.example"}))
        == "https://ide.example"
    )


def test_a_request_across_sites_without_an_origin_is_refused() -> None:
    with pytest.raises(Forbidden):
        check_origin({"sec-fetch-site": "cross-site"}, NONE)
    assert check_origin({"sec-fetch-site": "same-origin"}, NONE) is None
    assert check_origin({}, NONE) is None


NEARLY = {
    *(KEY[:end] for end in range(len(KEY))),
    *(KEY[start:] for start in range(1, len(KEY))),
    *(KEY[:at] + KEY[at].swapcase() + KEY[at + 1 :] for at in range(len(KEY)) if KEY[at].isalpha()),
    *(
        KEY.lower(),
        KEY.upper(),
        KEY + KEY,
        f"{KEY}x",
        f"x{KEY}",
        f"{KEY},second-key",
        f"{KEY}\x00",
        f'"{KEY}"',
    ),
}


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_a_key_that_is_almost_right_is_wrong(locked: Profile, header: str) -> None:
    for key in NEARLY:
        with pytest.raises(Unauthorized):
            check_key(locked, {header: f"Bearer {key}" if header == "authorization" else key}, local=True)


@given(st.text(max_size=30))
def test_no_other_key_opens(key: str) -> None:
    from idetour.secret import Secret

    assert Secret(KEY).matches(key) == (key == KEY)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY} "},
        {"x-api-key": "second-key"},
        {"x-api-key": "another's", "authorization": f"Bearer {KEY}"},
    ],
)
def test_each_access_key_opens_in_either_header(locked: Profile, headers: dict[str, str]) -> None:
    check_key(locked, headers, local=True)


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer"}, {"authorization": f"Basic {KEY}"}, {"x-api-key": ""}]
)
def test_no_key_is_told_how_to_send_one(locked: Profile, headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized, match="Authorization: Bearer"):
        check_key(locked, headers, local=True)


def test_a_wrong_key_is_not_repeated(locked: Profile) -> None:
    with pytest.raises(Unauthorized) as caught:
        check_key(locked, {"x-api-key": "sk-somebody-elses-key-9999"}, local=True)
    assert "somebody" not in str(caught.value)


def test_without_access_keys_everybody_on_this_machine_may_ask(profiles: Callable[..., Profile]) -> None:
    check_key(profiles("models: {m: demo/hello}"), {}, local=True)


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "guessed"}])
def test_others_need_a_key_even_where_none_is_set(
    profiles: Callable[..., Profile], headers: dict[str, str]
) -> None:
    with pytest.raises(Unauthorized, match="IDETOUR_API_KEY"):
        check_key(profiles("models: {m: demo/hello}"), headers, local=False)


@pytest.mark.parametrize("local", [True, False])
def test_an_access_key_that_is_not_set_opens_to_nobody(profiles: Callable[..., Profile], local: bool) -> None:
    with pytest.raises(Unauthorized, match="TEAM_KEYS"):
        check_key(profiles("models: {m: demo/hello}\naccess: $TEAM_KEYS"), {"x-api-key": ""}, local=local)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "203.0.113.9"},
        {"x-forwarded-for": "127.0.0.1, 203.0.113.9"},
        {"x-real-ip": "192.168.0.3"},
        {"forwarded": "for=127.0.0.1"},  # its form has too many faces to believe it
        {"x-forwarded-for": "unknown"},
        {"host": "LLM.example.com:443"},
    ],
)
def test_who_comes_through_a_proxy_is_not_on_this_machine(headers: dict[str, str]) -> None:
    assert not is_direct({"host": "localhost", **headers}, ("llm.example.com",))


@pytest.mark.parametrize("headers", [{}, {"x-forwarded-for": "127.0.0.1, ::1", "x-real-ip": "127.0.0.2"}])
def test_who_asks_through_a_proxy_of_their_own_is(headers: dict[str, str]) -> None:
    assert is_direct({"host": "localhost:8080", **headers}, ("llm.example.com",))


def test_an_access_key_is_never_taken_for_the_clients_own(locked: Profile) -> None:
    assert client_key(locked, {"authorization": f"Bearer {KEY}"}) is None
    both = client_key(locked, {"x-api-key": KEY, "authorization": "Bearer own"})
    assert both is not None
    assert both.reveal() == "own"


def test_a_bearer_without_a_word_is_no_key() -> None:
    pairs = itertools.product(("authorization",), ("", "Bearer", "Bearer  ", "Token x", "x"))
    assert [presented({name: value}) for name, value in pairs] == [{}] * 5


def test_the_access_key_that_was_presented_is_known_by_its_last_four(locked: Profile) -> None:
    assert access_mark(locked, {"authorization": f"Bearer {KEY}"}) == "…6789"
    assert access_mark(locked, {"x-api-key": "somebody-elses-key"}) == ""
    assert access_mark(locked, {}) == ""
