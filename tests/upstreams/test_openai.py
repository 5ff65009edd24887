"""Where a request goes and with which headers: nothing of the client's, and the key for nobody else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from idetour.profile import Catalog, Manners, Target, Upstream
from idetour.secret import Secret
from idetour.upstreams.openai import address, headers, prepare
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat

UP = Upstream(name="up", title="Up", url="https://up.test/v1")
BODY = b'{"model":"asked","messages":[{"role":"user","content":"hi"}],"stream":true}'


@pytest.mark.parametrize(
    ("upstream", "url"),
    [
        ("nim", "https://integrate.api.nvidia.com/v1/chat/completions"),
        ("dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions"),
        ("openrouter", "https://openrouter.ai/api/v1/chat/completions"),
        ("ollama", "http://127.0.0.1:11434/v1/chat/completions"),
    ],
)
def test_each_upstream_is_asked_at_its_own_address(catalog: Catalog, upstream: str, url: str) -> None:
    assert address(catalog.upstreams[upstream]) == url


def test_the_headers_are_ours_and_the_key_the_upstreams() -> None:
    assert headers(UP, Secret("sk-test-000"), stream=True) == {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "idetour",
        "authorization": "Bearer sk-test-000",
    }


def test_without_a_key_nothing_authorises() -> None:
    assert "authorization" not in headers(UP, None, stream=False)


def test_headers_of_the_profile_win_over_ours_however_they_are_spelt() -> None:
    upstream = replace(UP, headers={"User-Agent": "mine", "X-Title": "me", "Authorization": "no"})
    made = headers(upstream, Secret("sk-test-000"), stream=False)

    assert made["user-agent"] == "mine"
    assert made["x-title"] == "me"
    assert made["authorization"] == "Bearer sk-test-000"
    assert len(made) == 6


def test_a_request_carries_what_its_upstream_needs() -> None:
    upstream = replace(
        UP, proxy="http://127.0.0.1:7890", ca=Path("house.pem"), manners=Manners(first_byte=180)
    )
    outgoing = prepare(
        chat.read(BODY), target=Target("up", "real"), upstream=upstream, model=None, known=None, key=None
    )

    assert (outgoing.method, outgoing.proxy, outgoing.ca) == ("POST", upstream.proxy, upstream.ca)
    assert outgoing.first_byte == 180
    assert json.loads(outgoing.body or b"")["model"] == "real"


@pytest.mark.parametrize(
    ("target", "seconds"),
    [
        ("nim/openai/gpt-oss-120b", 300),
        ("ollama/x", 300),
        ("dashscope/qwen-max", 60),
        ("dashscope/qwen-plus", 300),
        ("openrouter/unknown/model", 60),
    ],
)
def test_who_thinks_or_is_slow_is_given_time(
    outgoing: Callable[..., Outgoing], target: str, seconds: float
) -> None:
    assert outgoing(target, BODY).first_byte == seconds


def test_an_answer_in_one_piece_is_waited_for_to_its_end(outgoing: Callable[..., Outgoing]) -> None:
    assert outgoing("openrouter/unknown/model", BODY.replace(b"true", b"false")).first_byte == 600
