"""What an upstream that speaks Messages is sent, and how its answers arrive."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from idetour.errors import BadRequest
from idetour.profile import Catalog, Model, Target, Upstream
from idetour.secret import Secret
from idetour.upstreams import Transports, prepare
from idetour.upstreams.anthropic import address, headers
from idetour.upstreams.foreign import Translating
from idetour.upstreams.transport import Outgoing, Pool
from idetour.wire import chat, messages

UP = Upstream(name="up", title="Up", url="https://up.test", speaks="anthropic")
HI = [{"role": "user", "content": "hi"}]
DETAIL = {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1"}


@pytest.fixture
def sent(catalog: Catalog) -> Callable[..., dict[str, Any]]:
    """`sent("claude-opus-5", temperature=1)`: the body for a model of Anthropic's; `native` asks in Messages."""

    def body(
        model_id: str, *, native: bool = False, model: Model | None = None, **fields: Any
    ) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(outgoing(catalog, model_id, native, model, fields).body or b"")
        return made

    return body


def outgoing(
    catalog: Catalog,
    model_id: str,
    native: bool,
    model: Model | None,
    fields: Mapping[str, Any],
    beta: str = "",
) -> Outgoing:
    target = Target("anthropic", model_id)
    asked = chat.read(json.dumps({"model": "asked", "messages": HI, "stream": True, **fields}).encode())
    return prepare(
        messages.translate(asked, beta=beta) if native else asked,
        target=target,
        upstream=catalog.upstreams["anthropic"],
        model=model,
        known=catalog.models.get(target),
        key=Secret("sk-test-000"),
    )


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        ("https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic/v1/messages"),
        ("https://up.test/v1", "https://up.test/v1/messages"),
    ],
)
def test_the_address_is_whole_however_the_base_is_written(url: str, asked: str) -> None:
    assert address(replace(UP, url=url)) == asked


def test_the_key_and_the_version_stand_where_anthropic_looks_for_them() -> None:
    made = headers(replace(UP, headers={"Authorization": "no"}), Secret("sk-test-000"), stream=True)
    assert made == {
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "idetour",
        "x-api-key": "sk-test-000",
    }


def test_a_profile_may_ask_for_another_version() -> None:
    assert (
        headers(replace(UP, headers={"Anthropic-Version": "2026-10-21"}), None, stream=False)[
            "anthropic-version"
        ]
        == "2026-10-21"
    )


@pytest.mark.parametrize(
    "model", ["claude-opus-4-7", "claude-opus-5", "claude-haiku-5-5", "claude-fable-5-2"]
)
@pytest.mark.parametrize("native", [True, False])
def test_sampling_never_reaches_a_model_that_refuses_it(
    sent: Callable[..., dict[str, Any]], model: str, native: bool
) -> None:
    body = sent(model, native=native, temperature=1, top_p=0.9, top_k=5, max_tokens=9)
    assert not {"temperature", "top_p", "top_k"} & body.keys()


def test_an_older_model_gets_one_kind_of_sampling(sent: Callable[..., dict[str, Any]]) -> None:
    body = sent("claude-opus-4-5", temperature=1.5, top_p=0.9)
    assert (body["temperature"], "top_p" in body) == (1, False)


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "config"),
    [
        ("claude-sonnet-5", "high", {"type": "adaptive", "display": "summarized"}, {"effort": "high"}),
        ("claude-sonnet-5", "none", {"type": "disabled"}, None),
        ("claude-fable-5-2", "none", None, {"effort": "low"}),
        ("claude-opus-4-5", "medium", {"type": "enabled", "budget_tokens": 8192}, None),
        ("claude-next-9", "low", {"type": "adaptive", "display": "summarized"}, {"effort": "low"}),
        ("deepseek-v4", "low", {"type": "enabled", "budget_tokens": 2048}, None),
    ],
)
def test_each_model_is_asked_to_think_in_its_own_words(
    sent: Callable[..., dict[str, Any]], model: str, effort: str, thinking: Any, config: Any
) -> None:
    body = sent(model, reasoning_effort=effort)
    assert (body.get("thinking"), body.get("output_config")) == (thinking, config)


def test_who_wishes_nothing_gets_the_models_default(sent: Callable[..., dict[str, Any]]) -> None:
    assert sent("claude-next-9").keys() == {"model", "stream", "max_tokens", "messages"}


@pytest.mark.parametrize(
    ("model", "asked", "most"),
    [
        ("claude-sonnet-5", {}, 32000),
        ("claude-sonnet-5", {"max_tokens": 10**9}, 128000),
        ("claude-sonnet-5", {"max_completion_tokens": 77}, 77),
        ("claude-opus-4-5", {"max_tokens": 1000, "reasoning_effort": "medium"}, 9192),
        ("claude-opus-4-5", {"max_tokens": 32768, "reasoning_effort": "max"}, 64000),
        ("claude-next-9", {}, 8192),
    ],
)
def test_there_is_always_a_limit_that_the_model_takes(
    sent: Callable[..., dict[str, Any]], model: str, asked: dict[str, Any], most: int
) -> None:
    assert sent(model, **asked)["max_tokens"] == most


@pytest.mark.parametrize(
    ("model", "last"),
    [("claude-sonnet-4-5", "assistant"), ("claude-sonnet-5", "user"), ("claude-opus-4-6", "user")],
)
def test_only_the_models_that_can_are_left_to_continue(
    sent: Callable[..., dict[str, Any]], model: str, last: str
) -> None:
    body = sent(model, messages=[*HI, {"role": "assistant", "content": "{"}])
    assert body["messages"][-1]["role"] == last


@pytest.mark.parametrize(("model", "choice"), [("claude-opus-5-5", "auto"), ("claude-haiku-5-5", "any")])
def test_only_the_models_that_can_are_forced_to_call(
    sent: Callable[..., dict[str, Any]], model: str, choice: str
) -> None:
    tools = [{"type": "function", "function": {"name": "ls"}}]
    assert sent(model, tools=tools, tool_choice="required")["tool_choice"] == {"type": choice}


def test_a_thought_that_was_lost_switches_thinking_off(sent: Callable[..., dict[str, Any]]) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    turns: list[dict[str, Any]] = [
        *HI,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "a"},
    ]
    kept = [turns[0], {**turns[1], "reasoning_details": [DETAIL]}, turns[2]]
    bodies = [sent("claude-opus-4-5", messages=each, reasoning_effort="low") for each in (turns, kept)]
    assert ["thinking" in body for body in bodies] == [False, True]


def test_a_request_in_messages_goes_on_as_it_came_but_for_the_model(
    sent: Callable[..., dict[str, Any]],
) -> None:
    """A field of next year, a file that only Anthropic has, thoughts with their signatures."""
    turns = [
        {"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "file_1"}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
        {"role": "user", "content": [{"type": "hologram"}]},
    ]
    asked = {"messages": turns, "max_tokens": 9, "new_in_2027": [1.5], "thinking": {"type": "adaptive"}}
    assert sent("claude-sonnet-5", native=True, **asked) == {
        **asked,
        "model": "claude-sonnet-5",
        "stream": True,
    }


def test_what_the_profile_says_of_a_model_holds_for_it_too(sent: Callable[..., dict[str, Any]]) -> None:
    model = Model(
        name="m",
        target=Target("anthropic", "claude-sonnet-5"),
        defaults={"max_tokens": 5, "service_tier": "auto"},
        always={"max_tokens": 7},
        drop=frozenset({"metadata"}),
    )
    body = sent("claude-sonnet-5", native=True, model=model, max_tokens=9, metadata={"user_id": "u"})
    assert (body["max_tokens"], body["service_tier"], "metadata" in body) == (7, "auto", False)


def test_beta_features_are_asked_for_only_with_the_body_that_uses_them(catalog: Catalog) -> None:
    made = outgoing(catalog, "claude-sonnet-5", True, None, {}, beta="context-1m-2025-08-07,x")
    assert made.headers["anthropic-beta"] == "context-1m-2025-08-07,x"
    assert "anthropic-beta" not in outgoing(catalog, "claude-sonnet-5", True, None, {}).headers
    assert "anthropic-beta" not in outgoing(catalog, "claude-sonnet-5", False, None, {}).headers


def test_what_chat_cannot_say_is_refused_for_other_upstreams(catalog: Catalog) -> None:
    asked = chat.read(
        json.dumps({"model": "m", "messages": [{"role": "user", "content": [{"type": "hologram"}]}]}).encode()
    )
    with pytest.raises(BadRequest, match="hologram"):
        prepare(
            messages.translate(asked),
            target=Target("nim", "x"),
            upstream=catalog.upstreams["nim"],
            model=None,
            known=None,
            key=None,
        )


def test_each_kind_of_upstream_has_its_transport() -> None:
    transports = Transports(Pool())
    assert isinstance(transports.to(UP), Translating)
    assert transports.to(replace(UP, speaks="demo")) is transports.demo
