"""Who is down is not asked again and again, and whoever is well answers."""

import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.client import Asking
from faults.conftest import written
from faults.refusals import BUSY, DEGRADED, QUOTA
from upstream import Answer, Upstream, html, raw_stream, reset_before_headers, status, stream, whole

if TYPE_CHECKING:
    from conftest import Serving

LATER = formatdate(time.time() + 3600, usegmt=True)


@pytest.mark.parametrize(
    "refusal",
    [
        status(429),
        status(429, retry_after="60"),
        status(429, retry_after=LATER),
        status(429, retry_after_ms="60000"),
        status(429, x_ratelimit_reset="60"),
        status(400, QUOTA),
        status(403, QUOTA),
        status(429, QUOTA),
        status(402),
        status(401),
        status(403),
        status(404),
        status(410),
        status(400, DEGRADED).saying(retry_after="60"),
        status(503, BUSY),
    ],
    ids=lambda answer: f"{answer.status} {dict(answer.headers)}".replace(LATER, "a date"),
)
def test_who_refused_is_not_asked_again_at_once(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], refusal: Answer
) -> None:
    first, second = upstreams(), upstreams()
    first.always(refusal)
    asking = detour(first, second)
    asked = []
    for _ in range(3):
        assert asking.chat().text == "Hello, world"
        asked.append(len(first.requests))
    assert asked[0] == asked[-1] <= 2


@pytest.mark.parametrize(
    "fault",
    [status(500), reset_before_headers(), html(), raw_stream(b"data: [DONE]\n\n")],
    ids=["500", "reset", "html", "empty"],
)
def test_who_fails_four_times_in_a_row_is_left_alone(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], fault: Answer
) -> None:
    first, second = upstreams(), upstreams()
    first.always(fault)
    asking = detour(first, second)
    asked = []
    for _ in range(6):
        assert asking.chat().text == "Hello, world"
        asked.append(len(first.requests))
    assert asked[2] < asked[3] == asked[5]


def test_so_is_who_breaks_off_after_the_commit(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    first.always(stream("half", "way").paced(0.05).reset_after(2))
    asking = detour(first, second)
    heard = [asking.chat() for _ in range(8)]
    assert heard[0].error
    assert heard[-1].text == "Hello, world"


def test_one_model_that_fails_does_not_take_its_neighbours_down(
    serving: Callable[[Path], "Serving"], profile_file: Callable[..., Path], upstream: Upstream
) -> None:
    upstream.always(status(500), asked="bad")
    profile = f"upstreams: {{up: {{url: {upstream.url}}}}}\nroutes: {{m: [{{use: up/bad, else: [up/good]}}]}}"
    asking = Asking(serving(profile_file(profile)).url)
    assert {asking.chat().text for _ in range(6)} == {"Hello, world"}


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("empty", [raw_stream(b"data: [DONE]\n\n"), whole({"choices": []})])
def test_an_answer_with_nothing_in_it_is_none(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], empty: Answer, streams: bool
) -> None:
    first, second = upstreams(), upstreams()
    first.always(empty)
    assert detour(first, second).chat(stream=streams).text == "Hello, world"
    second.always(empty)
    heard = detour(first, second).chat(stream=streams)
    assert (heard.status, heard.error["code"]) == (502, "upstream_empty")


def test_a_sole_candidate_is_asked_whatever_its_past(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    upstream.then(*[status(500)] * 10, status(401), status(429, QUOTA))
    asking = detour(upstream)
    for _ in range(7):
        asking.chat()
    assert asking.chat().text == "Hello, world"


def test_a_key_that_is_used_up_is_not_asked_again_because_of_a_restart(
    profile_file: Callable[..., Path], upstreams: Callable[..., Upstream], key: str, tmp_path: Path
) -> None:
    from conftest import Serving

    first, second = upstreams(), upstreams()
    first.always(status(402))
    profile = profile_file(written(first.url, second.url, first_byte=5))
    for _ in range(2):
        with Serving(profile, state=tmp_path) as serving:
            assert Asking(serving.url).chat().text == "Hello, world"
    assert (len(first.requests), len(second.requests)) == (1, 2)
    assert not any(key.encode() in path.read_bytes() for path in tmp_path.glob("rests*"))
