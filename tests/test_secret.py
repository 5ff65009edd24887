"""A key shows itself to nobody who did not ask for it."""

import json
import logging
import pickle
import traceback
from copy import deepcopy

import pytest

from idetour.secret import Secret, in_url

KEY = "sk-test-0123456789abcd"


@pytest.mark.parametrize(
    "shown",
    [
        str(Secret(KEY)),
        repr(Secret(KEY)),
        f"{Secret(KEY)}",
        f"{Secret(KEY)!r}",
        "%s" % Secret(KEY),  # noqa: UP031
        str([Secret(KEY)]),
        str({"key": Secret(KEY)}),
        str(ValueError(Secret(KEY))),
    ],
)
def test_whatever_prints_it_shows_four_characters(shown: str) -> None:
    assert "…abcd" in shown
    assert "0123" not in shown


@pytest.mark.parametrize("key", ["", "abcd", "01234567890"])
def test_of_a_short_key_nothing_is_shown(key: str) -> None:
    assert str(Secret(key)) == "…"


def test_a_log_and_a_traceback_hold_no_key(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(KEY)
    logging.getLogger("test").warning("asked with %s", secret)
    try:
        raise ValueError(secret)
    except ValueError:
        told = traceback.format_exc()

    assert "0123" not in caplog.text + told


def test_who_needs_it_gets_it() -> None:
    assert Secret(KEY).reveal() == KEY


def test_it_cannot_be_written_elsewhere_by_accident() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(KEY))
    with pytest.raises(TypeError, match="not pickled"):
        deepcopy(Secret(KEY))
    with pytest.raises(TypeError):
        json.dumps(Secret(KEY))
    assert not hasattr(Secret(KEY), "__dict__")


@pytest.mark.parametrize(
    ("candidate", "same"), [(KEY, True), (KEY[:-1], False), ("", False), ("ключ", False)]
)
def test_it_is_compared_whole(candidate: str, same: bool) -> None:
    assert Secret(KEY).matches(candidate) is same
    assert (Secret(KEY) == Secret(candidate)) is same
    assert Secret(KEY) != candidate


def test_equal_keys_are_one_in_a_set() -> None:
    assert len({Secret(KEY), Secret(KEY), Secret("other")}) == 2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://me:p%2Fw@proxy:8080", ["p%2Fw", "p/w", "bWU6cC93"]),
        ("http://token@proxy:8080", ["token", "dG9rZW46"]),
        ("http://proxy:8080", []),
        ("", []),
    ],
)
def test_a_password_in_a_url_is_known_in_each_form_in_which_it_is_sent(url: str, expected: list[str]) -> None:
    assert [each.reveal() for each in in_url(url)] == expected
