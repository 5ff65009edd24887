"""Reading a stream from a running idetour, or failing in a sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Serving
from idetour.doctor import Road
from idetour.doctor.chat import choices, has_content
from idetour.errors import SetupError
from upstream import Upstream, raw_stream, status, stream

ASK = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def led(serving: Callable[..., Serving], profile_file: Callable[..., Path], upstream: Upstream) -> Road:
    """A road to `upstream`."""
    path = profile_file(f"upstreams: {{up: {{url: '{upstream.url}'}}}}\nmodels: {{m: up/x}}")
    return Road(wanted=str(path), port=serving(path).port)


def test_the_choices_come_as_the_model_makes_them(led: Road, upstream: Upstream) -> None:
    upstream.then(stream("Hel", "lo"))
    found = list(choices(led, ASK))

    assert "".join(each["delta"].get("content") or "" for each in found) == "Hello"
    assert found[-1]["finish_reason"] == "stop"


def test_a_refusal_is_raised_in_its_own_words(led: Road, upstream: Upstream) -> None:
    upstream.then(status(403))

    with pytest.raises(SetupError, match="upstream says 403"):
        list(choices(led, ASK))


def test_an_error_inside_the_stream_is_raised(led: Road, upstream: Upstream) -> None:
    upstream.then(stream("Hel", "lo").reset_after(2))

    with pytest.raises(SetupError):
        list(choices(led, ASK))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, False),
        ({"delta": {"role": "assistant", "content": ""}}, False),
        ({"delta": {"reasoning_content": "hm"}}, True),
        ({"delta": {"tool_calls": [{}]}}, True),
    ],
)
def test_what_counts_as_content(choice: dict[str, object], expected: bool) -> None:
    assert has_content(choice) is expected


def test_keep_alives_are_no_beginning(road: Callable[..., Road], upstream: Upstream) -> None:
    """The upstream stands in for an idetour that waits for its own."""
    upstream.then(raw_stream(*[b": keep-alive\n\n"] * 50).paced(0.1))

    with pytest.raises(SetupError, match=r"no first word within 0\.3 s"):
        list(choices(road(port=upstream.port, patience=0.3), ASK))


def test_an_event_that_is_no_chunk_is_shown(road: Callable[..., Road], upstream: Upstream) -> None:
    upstream.then(raw_stream(b"data: <html>\n\n"))

    with pytest.raises(SetupError, match="is no JSON object: b'<html>'"):
        list(choices(road(port=upstream.port), ASK))
