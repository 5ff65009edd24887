"""When to come back, in every way in which upstreams write it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.gateway.retry_after import LONGEST_SECONDS, stated

NOW = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:50 GMT"}, 30),
        ({"retry-after": "Mon, 21 Sep 2020 14:13:50 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "99999999"}, LONGEST_SECONDS),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-reset": f"{NOW + 60:.0f}"}, 60),
        ({"x-ratelimit-reset": f"{(NOW + 60) * 1000:.0f}"}, 60),
        ({"x-ratelimit-reset": f"{NOW - 60:.0f}"}, 0),
        ({"x-ratelimit-reset": "6m0s"}, 360),
        ({"x-ratelimit-reset": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset": "20ms"}, 0.02),
        ({"x-ratelimit-reset": "6 months"}, None),
        ({"x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-requests": "0"}, 9),
        ({"x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-requests": "4"}, None),
        ({"retry-after": "3", "x-ratelimit-reset": "40"}, 3),
    ],
)
def test_every_way_to_say_it_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert stated(headers, now=NOW) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ({"metadata": {"headers": {"X-RateLimit-Reset": str(int((NOW + 90) * 1000))}}}, 90),
        ({"metadata": {"headers": {"Retry-After": 5}}}, 5),
        ({"metadata": {"headers": None}}, None),
        ({"metadata": []}, None),
        ("metadata", None),
    ],
)
def test_so_it_is_in_the_metadata_of_openrouter(error: object, seconds: float | None) -> None:
    body = json.dumps({"error": error}).encode()
    assert stated({}, body, now=NOW) == (None if seconds is None else pytest.approx(seconds))


@given(st.text(), st.binary())
def test_whatever_is_said_it_is_a_number_within_a_day_or_nothing(text: str, body: bytes) -> None:
    for name in ("retry-after", "retry-after-ms", "x-ratelimit-reset"):
        seconds = stated({name: text}, b"metadata" + body, now=NOW)
        assert seconds is None or 0 <= seconds <= LONGEST_SECONDS
