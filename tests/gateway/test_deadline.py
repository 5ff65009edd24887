"""How long the client waits."""

import pytest

from idetour.gateway.deadline import stated


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-stainless-timeout": "600"}, 599),
        ({"x-stainless-timeout": "5.0"}, 4.5),
        ({"x-stainless-timeout": "NOT_GIVEN"}, None),
        ({"x-stainless-timeout": "NaN"}, None),
        ({"x-stainless-timeout": "0"}, None),
        ({"x-stainless-timeout": "-1"}, None),
        ({"x-idetour-deadline-ms": "2000"}, 1.8),
        ({"x-idetour-deadline-ms": "2000", "x-stainless-timeout": "600"}, 1.8),
        ({"x-idetour-deadline-ms": "soon", "x-stainless-timeout": "600"}, 599),
    ],
)
def test_an_error_comes_a_little_before_the_client_gives_up(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert stated(headers) == (None if seconds is None else pytest.approx(seconds))
