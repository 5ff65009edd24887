"""The view as mitmproxy chooses and calls it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mitmproxy import contentviews, http
from mitmproxy.test import tflow, tutils

from idetour.proxy.llmview import LlmView, visible
from idetour.proxy.scribe import BODY_LIMIT, OURS
from proxy.conftest import Proxy
from upstream import Upstream, stream, until

ASK = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
BODY = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'


@pytest.fixture(autouse=True)
def registered() -> None:
    LlmView().load(None)


def flow(kind: str = "", *, path: bytes = b"/v1/chat/completions", content: bytes = BODY) -> http.HTTPFlow:
    made = tflow.tflow(req=tutils.treq(method=b"POST", path=path, content=content), resp=True)
    made.metadata |= {OURS: kind} if kind else {}
    return made


def chosen(made: http.HTTPFlow) -> str | None:
    return contentviews.prettify_message(made.request, made).view_name


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/chat/completions",
        b"/chat/completions/",
        b"/anthropic/v1/messages?beta=true",
        b"/v1/responses",
        b"/",
    ],
)
def test_it_is_the_first_view_of_our_flows(path: bytes) -> None:
    assert chosen(flow("request", path=path)) == "Conversation"


def test_of_others_it_can_be_chosen_but_is_not_the_first() -> None:
    assert chosen(flow()) != "Conversation"
    assert chosen(flow("request", path=b"/v1/embeddings")) != "Conversation"
    made = flow()
    assert contentviews.prettify_message(made.request, made, "conversation").text.endswith("\nhello")


def test_what_is_no_conversation_is_shown_with_a_line_that_says_so() -> None:
    made = flow("request", content=b"\x00garbage")
    shown = contentviews.prettify_message(made.request, made)
    assert shown.view_name == "Conversation"
    assert shown.text.startswith("This is no JSON object: ")


def test_an_attempts_comment_stands_above_its_request() -> None:
    made = flow("attempt")
    made.comment = "attempt 1 of req_1 · store dropped"
    assert contentviews.prettify_message(made.request, made).text.startswith(made.comment)


def test_that_only_the_beginning_is_kept_is_said() -> None:
    made = flow("request")
    assert made.response
    made.response.headers["content-type"] = "text/event-stream"
    made.response.data.content = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'.ljust(
        BODY_LIMIT, b"\n"
    )
    assert contentviews.prettify_message(made.response, made).text.endswith(
        "4 MiB of it are kept for display; what was sent is complete."
    )


def test_empty_lines_are_seen_in_mitmweb() -> None:
    assert visible("a\n\nb\n") == "a\n \nb\n "


def test_a_real_exchange_is_shown_with_what_idetour_did(
    proxy: Callable[..., Proxy], upstream: Upstream, profile_file: Callable[..., Path]
) -> None:
    upstream.then(stream("Hel", "lo"))
    profile = profile_file(f"upstreams: {{fake: {{url: '{upstream.url}'}}}}\nmodels: {{gpt-4o: fake/one}}")
    running = proxy(profile, display=True)
    with running.direct() as client:
        client.post("/v1/chat/completions", json=ASK)
    (seen,) = running.flows()
    assert until(lambda: "first token" in seen.comment)
    answer = seen.response
    assert answer
    shown = running.on_loop(lambda: contentviews.prettify_message(answer, seen).text)
    assert shown.startswith("→ fake/one · 1 attempt · ")
    assert "\nHello\n" in shown
    assert "\nfinish stop" in shown
