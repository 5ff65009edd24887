"""What Qwen's portal is sent."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from idetour.profile import Catalog, Target
from idetour.secret import Secret
from idetour.upstreams import prepare
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat

HI = {"role": "user", "content": "hi"}


@pytest.fixture
def outgoing(catalog: Catalog) -> Callable[..., Outgoing]:
    def made(model: str = "coder-model", headers: Mapping[str, str] = {}, **fields: Any) -> Outgoing:
        target = Target("qwen", model)
        body = {"model": "asked", "messages": [HI], "stream": True, **fields}
        return prepare(
            chat.read(json.dumps(body).encode()),
            target=target,
            upstream=replace(catalog.upstreams["qwen"], headers=headers),
            model=None,
            known=catalog.models.get(target),
            key=Secret("at-1"),
        )

    return made


@pytest.fixture
def sent(outgoing: Callable[..., Outgoing]) -> Callable[..., dict[str, Any]]:
    return lambda *words, **fields: dict(json.loads(outgoing(*words, **fields).body or b""))


def test_the_portal_is_told_that_a_login_asks(outgoing: Callable[..., Outgoing]) -> None:
    made = outgoing()
    assert made.url == "https://portal.qwen.ai/v1/chat/completions"
    assert made.headers["authorization"] == "Bearer at-1"
    assert made.headers["x-dashscope-authtype"] == "qwen-oauth"
    assert made.headers["x-dashscope-cachecontrol"] == "enable"
    assert made.headers["x-dashscope-useragent"] == made.headers["user-agent"]
    assert made.headers["user-agent"].startswith("idetour/")


def test_the_profiles_headers_win(outgoing: Callable[..., Outgoing]) -> None:
    made = outgoing(headers={"User-Agent": "mine", "X-DashScope-CacheControl": "disable"})
    assert made.headers["user-agent"] == "mine"
    assert made.headers["x-dashscope-cachecontrol"] == "disable"


@pytest.mark.parametrize("content", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_a_system_prompt_is_a_list_of_parts(sent: Callable[..., dict[str, Any]], content: Any) -> None:
    made = sent(messages=[{"role": "system", "content": content}, HI])
    part = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    assert made["messages"] == [{"role": "system", "content": [part]}, HI]


def test_what_the_user_says_is_a_string(sent: Callable[..., dict[str, Any]]) -> None:
    parts = [{"type": "text", "text": "hi"}]
    assert sent(messages=[{"role": "user", "content": parts}])["messages"] == [HI]


def test_a_picture_stays_a_part(sent: Callable[..., dict[str, Any]]) -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}]
    said = [{"role": "user", "content": parts}]
    assert sent("vision-model", messages=said)["messages"] == said


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        ("coder-model", "coder-model"),
        ("vision-model", "vision-model"),
        ("qwen3-coder-plus", "coder-model"),
        ("qwen3-coder-flash", "coder-model"),
        ("qwen3-vl-plus", "vision-model"),
        ("tomorrows-model", "tomorrows-model"),
    ],
)
def test_older_names_are_sent_by_their_new_ones(
    sent: Callable[..., dict[str, Any]], asked: str, model: str
) -> None:
    assert sent(asked)["model"] == model


@pytest.mark.parametrize(
    ("model", "most"), [("coder-model", 65536), ("qwen3-coder-plus", 65536), ("vision-model", 32768)]
)
def test_more_output_than_there_is_is_not_asked_for(
    sent: Callable[..., dict[str, Any]], model: str, most: int
) -> None:
    assert sent(model, max_tokens=200_000)["max_tokens"] == most


@pytest.mark.parametrize("temperature", [0.0, 0.7, 2.0])
def test_temperature_goes_as_it_is(sent: Callable[..., dict[str, Any]], temperature: float) -> None:
    assert sent(temperature=temperature)["temperature"] == temperature


def test_usage_is_asked_for(sent: Callable[..., dict[str, Any]]) -> None:
    assert sent()["stream_options"] == {"include_usage": True}
