"""Links that work once, cookies that end, and pages that are not ours."""

import time

import pytest

from idetour.endpoints.admin import session
from idetour.endpoints.admin.session import PAGE, Sessions, check_page, cookie, cookie_name, link
from idetour.errors import Forbidden
from idetour.secret import Secret

TOKEN = Secret("t" * 43)
HOST = {"host": "127.0.0.1:8080"}


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(clock)


def test_a_link_works_once(sessions: Sessions) -> None:
    shown = link(TOKEN)

    assert (sessions.redeem(TOKEN, shown), sessions.redeem(TOKEN, shown)) == (True, False)
    assert sessions.redeem(TOKEN, link(TOKEN))


def test_a_link_is_too_old_after_half_a_day_and_used_ones_are_forgotten_then(
    sessions: Sessions, clock: Clock
) -> None:
    old, shown = link(TOKEN), link(TOKEN)
    sessions.redeem(TOKEN, shown)
    clock.now += session.LINK_SECONDS + 2
    sessions.redeem(TOKEN, link(TOKEN, clock.now))

    assert not sessions.redeem(TOKEN, old)
    assert len(sessions._used) == 1


def test_a_link_of_another_start_or_owner_is_nothing(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = link(TOKEN)
    assert not sessions.redeem(Secret("u" * 43), shown)
    monkeypatch.setattr(session, "PROCESS", b"another process")
    assert not sessions.redeem(TOKEN, shown)


def test_no_changed_link_is_good(sessions: Sessions) -> None:
    shown = link(TOKEN)
    changed = [
        shown[:at] + ("A" if shown[at] != "A" else "B") + shown[at + 1 :] for at in range(len(shown) - 1)
    ]

    for each in [*changed, "", "x", "é", shown[:-1], f"{shown}A", shown * 2, "=" * 43, TOKEN.reveal()]:
        assert not sessions.redeem(TOKEN, each), each
    assert sessions.redeem(TOKEN, shown)


def test_a_session_lasts_while_it_is_used(sessions: Sessions, clock: Clock) -> None:
    value = sessions.begin()
    for _ in range(3):
        clock.now += session.IDLE_SECONDS - 1
        assert sessions.expires(value) == clock.now + session.IDLE_SECONDS
    clock.now += session.IDLE_SECONDS
    assert sessions.expires(value) is None


def test_a_session_ends_when_it_is_left(sessions: Sessions) -> None:
    one, other = sessions.begin(), sessions.begin()
    sessions.end(one)

    assert (sessions.expires(one), sessions.expires(other) is None) == (None, False)
    assert sessions.expires("") is None


def test_of_too_many_sessions_the_oldest_ends(sessions: Sessions, clock: Clock) -> None:
    values = []
    for _ in range(session.MOST + 1):
        clock.now += 1
        values.append(sessions.begin())

    assert [sessions.expires(values[at]) is not None for at in (0, 1, -1)] == [False, True, True]


def test_two_idetours_on_one_machine_have_two_cookies() -> None:
    assert cookie_name("127.0.0.1:8080") == "idetour-8080"
    assert cookie({**HOST, "cookie": "a=b; idetour-8081=no; idetour-8080=yes; x"}) == "yes"
    assert cookie(HOST) == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin", PAGE: "1"},
        {"sec-fetch-site": "none", PAGE: "1"},
        {PAGE: "1"},
    ],
)
def test_our_own_page_may_change_things(headers: dict[str, str]) -> None:
    check_page({**HOST, **headers}, "POST")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:3000", PAGE: "1"},
        {"origin": "http://localhost:8080", PAGE: "1"},
        {"origin": "null", PAGE: "1"},
        {"sec-fetch-site": "same-site", PAGE: "1"},
        {"sec-fetch-site": "cross-site", PAGE: "1"},
        {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"},
    ],
)
def test_no_other_page_may_and_no_form(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        check_page({**HOST, **headers}, "POST")
