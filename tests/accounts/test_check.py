"""Whether an upstream accepts a key, by calls that cost nothing."""

from typing import Any

import pytest

from idetour.accounts.check import Outcome, each, tried
from idetour.profile import Upstream as Place
from idetour.secret import Secret
from upstream import Answer, Request, Upstream, html, raw, redirect, reset_before_headers, status, whole

KEY = Secret("sk-canary-0123456789-wxyz")
MODELS, CHAT = "/v1/models", "/v1/chat/completions"


def place(upstream: Upstream, **how: Any) -> Place:
    return Place(name="up", title="Up", url=upstream.url, **how)


def closed(request: Request) -> Answer:
    """A list for those who have the key."""
    known = request.header("authorization") == f"Bearer {KEY.reveal()}"
    return whole({"data": []}) if known else status(401)


def test_a_list_that_only_the_key_opens_proves_it(upstream: Upstream) -> None:
    upstream.always(closed, asked=MODELS)
    assert tried(place(upstream), KEY).outcome == "accepted"
    assert tried(place(upstream), Secret("sk-another")).outcome == "refused"
    assert [request.method for request in upstream.requests] == ["GET"] * 3


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (status(400, {"error": {"message": "you must provide a model parameter"}}), "accepted"),
        (status(422), "accepted"),
        (status(404), "accepted"),
        (status(401), "refused"),
        (status(400, {"error": {"message": "API key not valid. Please pass a valid API key."}}), "refused"),
        (status(403), "forbidden"),
        (status(402), "poor"),
        (status(429), "busy"),
        (status(500), "unclear"),
        (html(), "unclear"),
        (redirect("http://127.0.0.1:1/"), "unclear"),
    ],
)
def test_where_the_list_is_open_to_all_an_empty_request_tells(
    upstream: Upstream, answer: Answer, outcome: Outcome
) -> None:
    upstream.always(answer, asked=CHAT)
    verdict = tried(place(upstream), KEY)
    assert verdict.outcome == outcome
    assert upstream.requests[-1].body == b"{}"


def test_where_there_is_no_list_an_empty_request_tells(upstream: Upstream) -> None:
    upstream.always(status(404), asked=MODELS)
    upstream.always(status(400), asked=CHAT)
    assert tried(place(upstream), KEY).outcome == "accepted"


def test_anthropic_gets_its_key_in_its_own_header(upstream: Upstream) -> None:
    upstream.always(status(401), asked=MODELS)
    here = Place(name="up", title="Up", url=upstream.origin, speaks="anthropic")
    assert tried(here, KEY).outcome == "refused"
    [request] = upstream.requests
    assert (request.path, request.header("x-api-key")) == (MODELS, KEY.reveal())


@pytest.mark.parametrize("bad", [raw(b"not HTTP at all\r\n\r\n"), reset_before_headers()])
def test_who_does_not_speak_http_is_unreachable(upstream: Upstream, bad: Answer) -> None:
    upstream.always(bad, asked=MODELS)
    assert tried(place(upstream), KEY).outcome == "unreachable"


def test_who_is_not_there_is_unreachable(upstream: Upstream) -> None:
    upstream.refuse()
    assert tried(place(upstream), KEY).outcome == "unreachable"


def test_a_key_that_is_repeated_is_not_shown(upstream: Upstream) -> None:
    said = {"error": {"message": f"Incorrect API key provided: {KEY.reveal()}"}}
    upstream.always(status(401, said), asked=MODELS)
    verdict = tried(place(upstream), KEY)
    assert str(verdict) == "Up: the key is refused (Incorrect API key provided: …wxyz)"


def test_several_are_asked_and_answer_in_their_order(upstream: Upstream) -> None:
    upstream.always(closed, asked=MODELS)
    other = Place(name="down", title="Down", url="http://127.0.0.1:1/v1")
    assert [found.outcome for found in each([other, place(upstream)], KEY)] == ["unreachable", "accepted"]
