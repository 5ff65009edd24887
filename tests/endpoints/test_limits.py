"""A caller that asks too often is told when to come again, and the others notice nothing."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from endpoints.talk import chat, look
from idetour.endpoints.limits import Limits, TooOften

if TYPE_CHECKING:
    from conftest import Serving


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def limits(now: list[float]) -> Limits:
    return Limits(clock=lambda: now[0])


def test_the_one_too_many_waits_until_the_first_is_a_minute_old(limits: Limits, now: list[float]) -> None:
    for seconds in (0, 10, 20):
        now[0] = 1000.0 + seconds
        limits.count("a", 3)
    with pytest.raises(TooOften) as caught:
        limits.count("a", 3)
    assert caught.value.headers == {"retry-after": "40"}
    now[0] = 1060.0
    limits.count("a", 3)


def test_what_is_refused_does_not_count(limits: Limits, now: list[float]) -> None:
    limits.count("a", 1)
    for second in range(59):
        now[0] = 1000.0 + second
        with pytest.raises(TooOften):
            limits.count("a", 1)
    now[0] = 1060.0
    limits.count("a", 1)


def test_each_caller_is_counted_alone_and_forgotten_after_a_minute(limits: Limits, now: list[float]) -> None:
    for n in range(100):
        limits.count(f"task {n}", 1)
    now[0] += 60
    limits.count("a", 1)
    assert [*limits._asked] == ["a"]


def test_a_limit_that_was_lowered_meanwhile_holds(limits: Limits, now: list[float]) -> None:
    for _ in range(5):
        limits.count("a", 10)
        now[0] += 1
    with pytest.raises(TooOften) as caught:
        limits.count("a", 2)
    assert caught.value.headers == {"retry-after": "58"}


def test_a_team_shares_by_key(served: Callable[..., "Serving"]) -> None:
    port = served("limit: 2\naccess: [the-access-key-1, the-access-key-2]").port
    first, second = ({"x-api-key": f"the-access-key-{n}"} for n in (1, 2))
    assert [chat(port, headers=first).status for _ in range(3)] == [200, 200, 429]
    refused = chat(port, headers=first)
    assert (refused.code, 0 < int(refused.headers["retry-after"]) <= 60) == ("rate_limit_exceeded", True)
    assert chat(port, headers=second).status == 200
    assert look(port, "/v1/models", x_api_key="the-access-key-1").status == 200  # costs nothing
    assert chat(port, headers={"x-api-key": "wrong"}).status == 401


def test_in_messages_it_is_an_error_of_messages(served: Callable[..., "Serving"]) -> None:
    port = served("limit: 1").port
    answers = [chat(port, path="/v1/messages", max_tokens=9) for _ in range(2)]
    assert [each.status for each in answers] == [200, 429]
    assert answers[1].json()["error"]["type"] == "rate_limit_error"
    assert chat(port, path="/v1/messages/count_tokens").status == 200
