"""Commands of mitmproxy's prompt."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions, flow

from proxy.conftest import Proxy
from upstream import Upstream, status, until, whole

KEY = "sk-canary-7f3a9c51d2e8b604"
PATH = "/v1/chat/completions"
ASK = {"model": "first", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def profile(upstream: Upstream, profile_file: Callable[..., Path]) -> Path:
    return profile_file(
        f"upstreams: {{fake: {{url: '{upstream.url}', key: client}}}}\n"
        "models: {first: fake/one, second: fake/two}\noffer: declared"
    )


@pytest.fixture
def running(proxy: Callable[..., Proxy], profile: Path) -> Proxy:
    return proxy(profile, display=True)


def ask(running: Proxy) -> None:
    with running.direct() as client:
        client.post(PATH, json=ASK, headers={"authorization": f"Bearer {KEY}"})


def asked(upstream: Upstream) -> list[str]:
    return [request.asked for request in upstream.requests]


def replay(running: Proxy, flows: list[flow.Flow], target: str) -> None:
    running.call("idetour.replay", flows, target)


def test_stats_tell_requests_tokens_and_how_targets_fare(running: Proxy, upstream: Upstream) -> None:
    upstream.then(whole("Hello"), status(500), status(500))
    ask(running)
    ask(running)
    said = running.call("idetour.stats")
    assert said[:2] == ["The last 2 requests: 1 ok, 1 failed.", "Tokens: 9 in, 3 out."]
    assert said[2].startswith("fake/one ")


def test_stats_are_told_before_anybody_asked(running: Proxy) -> None:
    assert running.call("idetour.stats")[0] == "The last 0 requests: none yet."


def test_all_requests_go_to_the_model_in_use_until_it_is_taken_back(
    running: Proxy, upstream: Upstream
) -> None:
    running.call("idetour.use", "second")
    ask(running)
    assert running.call("idetour.stats")[-1] == "Whatever is asked goes to second (idetour.use)."
    running.call("idetour.use")
    ask(running)
    running.call("idetour.use", "fake/other")
    ask(running)
    running.call("idetour.use", "")
    ask(running)
    assert asked(upstream) == ["two", "one", "other", "one"]


def test_a_name_that_nobody_knows_may_be_asked_while_a_model_is_in_use(
    running: Proxy, upstream: Upstream
) -> None:
    running.call("idetour.use", "second")
    with running.direct() as client:
        answer = client.post(PATH, json=ASK | {"model": "nobody"}, headers={"authorization": f"Bearer {KEY}"})
    assert (answer.status_code, answer.json()["model"]) == (200, "nobody")


@pytest.mark.parametrize(
    ("command", "arguments"), [("idetour.use", ["frist"]), ("idetour.replay", [[], "frist"])]
)
def test_a_model_that_nobody_knows_is_refused_with_the_nearest(
    running: Proxy, command: str, arguments: list[Any]
) -> None:
    with pytest.raises(exceptions.CommandError, match=r"No model is called 'frist' here\. Nearest: first"):
        running.call(command, *arguments)


def test_a_request_is_sent_again_to_another_with_its_key_as_a_new_flow(
    running: Proxy, upstream: Upstream
) -> None:
    ask(running)
    (first,) = running.flows()
    replay(running, [first], "fake/other")
    assert until(lambda: asked(upstream) == ["one", "other"])
    assert [request.header("authorization") for request in upstream.requests] == [f"Bearer {KEY}"] * 2
    assert until(lambda: len(running.flows()) == 2 and "fake/other" in running.flows()[1].comment)
    again = running.flows()[1]
    assert until(lambda: again.response)
    assert first.response
    assert again.response
    assert again.response.status_code == 200
    assert json.loads(first.request.content or b"")["model"] == "first"
    assert KEY not in str(again.get_state())


def test_nothing_is_sent_again_while_a_model_is_in_use(running: Proxy) -> None:
    ask(running)
    running.call("idetour.use", "second")
    with pytest.raises(
        exceptions.CommandError, match=r"All requests go to second; call idetour\.use without"
    ):
        replay(running, list(running.flows()), "first")


def test_only_what_names_a_model_can_be_sent_again(running: Proxy) -> None:
    with running.direct() as client:
        client.get("/health")
    with pytest.raises(exceptions.CommandError, match="Only a request that names a model"):
        replay(running, list(running.flows()), "first")


def test_attempts_that_were_found_with_their_request_are_not_sent_again(
    running: Proxy, upstream: Upstream
) -> None:
    running.on_loop(lambda: running.master.options.update(idetour_trace=True))
    ask(running)
    asked_first, attempt = running.flows()
    with pytest.raises(exceptions.CommandError, match="an attempt at it cannot"):
        replay(running, [attempt], "first")
    replay(running, [asked_first, attempt], "second")
    assert until(lambda: asked(upstream) == ["one", "two"])
