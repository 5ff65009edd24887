"""Which conversation a request belongs to."""

from typing import Any

import pytest

from idetour.routes import session
from routes.asking import CALL, RESULT, asks

SYSTEM = {"role": "system", "content": "You are an agent."}


def test_every_turn_of_a_conversation_has_the_same_key() -> None:
    first = asks(SYSTEM, "look", tools=("read", "write"))
    later = asks(
        SYSTEM,
        "look",
        CALL,
        RESULT,
        {"role": "assistant", "content": "done"},
        "thanks",
        tools=("write", "read"),
    )

    assert session.key(first) == session.key(later)


@pytest.mark.parametrize(
    "other",
    [
        asks(SYSTEM, "see", tools=("read",)),
        asks("look", tools=("read",)),
        asks(SYSTEM, "look", tools=("run",)),
    ],
)
def test_what_begins_otherwise_is_another_conversation(other: Any) -> None:
    assert session.key(other) != session.key(asks(SYSTEM, "look", tools=("read",)))


@pytest.mark.parametrize(
    ("how", "origin"),
    [
        ({"headers": {"x-session-id": "s"}, "prompt_cache_key": "p"}, "header x-session-id"),
        ({"headers": {"session_id": "s"}, "user": "u"}, "header session_id"),
        ({"prompt_cache_key": "s", "metadata": {"user_id": "m"}}, "prompt_cache_key"),
        ({"metadata": {"user_id": "s"}, "user": "u"}, "metadata.user_id"),
        ({"user": "s"}, "user"),
        ({}, "system prompt, tools and first user message"),
    ],
)
def test_a_client_that_names_its_session_is_believed(how: dict[str, Any], origin: str) -> None:
    one, other = asks("a", **how), asks("b", **how)

    assert one.session.origin == origin
    assert (session.key(one) == session.key(other)) is bool(how)


@pytest.mark.parametrize("how", [{"user": 5}, {"metadata": [1]}, {"metadata": {"user_id": {}}}, {"user": ""}])
def test_what_is_no_name_is_passed_over(how: dict[str, Any]) -> None:
    assert asks("a", **how).session == asks("a").session


def test_the_key_is_a_hash_and_tells_nothing() -> None:
    key = session.key(asks("a", user="mail@example.com"))

    assert len(key) == 32
    assert int(key, 16) >= 0
