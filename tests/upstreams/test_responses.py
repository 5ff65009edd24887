"""What an upstream that speaks Responses is sent."""

import json
from typing import Any

import pytest

from idetour.errors import BadRequest
from idetour.profile import KnownModel, Model, Target, Upstream
from idetour.secret import Secret
from idetour.upstreams import prepare
from idetour.upstreams.foreign import Foreign
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat, responses
from idetour.wire.responses_store import Store

UP = Upstream(name="up", title="Up", url="https://up.test/v1", speaks="responses")
HI = [{"role": "user", "content": "hi"}]
DROP = Model(
    name="m", target=Target("up", "gpt-6-codex"), always={"truncation": "auto"}, drop=frozenset({"user"})
)


def outgoing(
    request: chat.ChatRequest, model_id: str = "gpt-6-codex", *, model: Model | None = None, **known: Any
) -> Outgoing:
    target = Target("up", model_id)
    knows = KnownModel(target=target, title="M", **known) if known else None
    return prepare(request, target=target, upstream=UP, model=model, known=knows, key=Secret("sk-test-000"))


def sent(
    model_id: str = "gpt-6-codex", *, model: Model | None = None, most: int | None = None, **fields: Any
) -> Any:
    """The body for a Chat client."""
    body = {"model": "asked", "messages": HI, "stream": True, **fields}
    known: dict[str, Any] = {"output": most} if most else {}
    return json.loads(
        outgoing(chat.read(json.dumps(body).encode()), model_id, model=model, **known).body or b""
    )


def native(*, model: Model | None = None, most: int | None = None, **fields: Any) -> Any:
    """The body for a client that speaks Responses."""
    body = json.dumps({"model": "asked", "input": "hi", **fields}).encode()
    known: dict[str, Any] = {"output": most} if most else {}
    return json.loads(outgoing(responses.read(body, Store()).chat, model=model, **known).body or b"")


def test_a_request_goes_where_responses_are_with_the_key_and_a_way_to_read_the_answer() -> None:
    made = outgoing(chat.read(json.dumps({"model": "asked", "messages": HI}).encode()))
    assert made.url == "https://up.test/v1/responses"
    assert made.headers["authorization"] == "Bearer sk-test-000"
    assert isinstance(made, Foreign)


def test_chat_is_translated_for_the_model_that_is_asked() -> None:
    assert sent() == {
        "model": "gpt-6-codex",
        "stream": True,
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }


@pytest.mark.parametrize(
    ("model_id", "effort", "reasoning"),
    [
        ("gpt-6-codex", "high", {"effort": "high"}),
        ("gpt-6-codex", "none", {"effort": "low"}),
        ("gpt-6-codex", "max", {"effort": "xhigh"}),
        ("gpt-4.1", "high", None),
        ("gpt-5-chat-latest", "high", None),
    ],
)
def test_an_unknown_model_is_asked_to_think_only_if_its_kind_does(
    model_id: str, effort: str, reasoning: Any
) -> None:
    body = sent(model_id, reasoning_effort=effort)
    assert body.get("reasoning") == reasoning
    assert ("include" in body) == (reasoning is not None)


def test_no_more_is_asked_for_than_the_model_gives() -> None:
    assert sent(most=100, max_tokens=9999)["max_output_tokens"] == 100
    assert native(most=100, max_output_tokens=9999)["max_output_tokens"] == 100


def test_what_the_profile_says_holds_for_both_kinds_of_clients() -> None:
    for body in (sent(model=DROP, user="u"), native(model=DROP, user="u")):
        assert (body["truncation"], "user" in body, body["model"]) == ("auto", False, "gpt-6-codex")


def test_a_request_in_responses_goes_on_as_it_came_but_for_the_model() -> None:
    asked: dict[str, Any] = {
        "input": [{"type": "hologram"}],
        "tools": [{"type": "web_search"}],
        "new_in_2027": [1.5],
    }
    body = native(**asked, temperature=1)
    assert body == {
        **asked,
        "temperature": 1,
        "model": "gpt-6-codex",
        "stream": False,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }


@pytest.mark.parametrize("speaks", ["openai", "anthropic", "ollama"])
def test_what_only_responses_can_say_is_refused_for_other_upstreams(speaks: Any) -> None:
    body = json.dumps({"model": "m", "input": [{"type": "hologram"}]}).encode()
    upstream = Upstream(name="up", title="Up", url="https://up.test/v1", speaks=speaks)
    with pytest.raises(BadRequest, match="hologram"):
        prepare(
            responses.read(body, Store()).chat,
            target=Target("up", "x"),
            upstream=upstream,
            model=None,
            known=None,
            key=None,
        )
