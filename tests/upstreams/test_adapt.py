"""What was asked, and what is sent: one row for each thing that an upstream wants otherwise."""

import json
from typing import Any

import pytest

from idetour.profile import KnownModel, Manners, Model, Target
from upstreams.conftest import NIM, Prepare, Sent

OPENAI_ONLY = {
    "store": False,
    "service_tier": "auto",
    "safety_identifier": "x",
    "prompt_cache_key": "x",
    "prompt_cache_retention": "24h",
    "prediction": None,
    "verbosity": "low",
    "web_search_options": {},
    "metadata": {},
}
SAMPLING = {"temperature": 0.4, "top_p": 0.5}


@pytest.mark.parametrize(
    ("target", "asked", "expected"),
    [
        # NIM takes what is on its list, under its own names.
        (NIM, {**SAMPLING, "seed": 1, "stop": ["x"]}, {**SAMPLING, "seed": 1, "stop": ["x"]}),
        (NIM, {**OPENAI_ONLY, "user": "me", "n": 2, "logit_bias": {}, "parallel_tool_calls": True}, {}),
        (NIM, {"thinking": {"type": "enabled"}, "reasoning": {}, "enable_thinking": True}, {}),
        (NIM, {"max_completion_tokens": 100}, {"max_tokens": 100}),
        (NIM, {"max_completion_tokens": 100, "max_tokens": 200}, {"max_tokens": 200}),
        (NIM, {"max_completion_tokens": 100, "max_tokens": None}, {"max_tokens": 100}),
        (NIM, {"a_field_of_next_year": 1}, {}),
        # DashScope takes what it does not know, but not what is OpenAI's alone.
        ("dashscope/unknown", {**OPENAI_ONLY, "top_k": 20}, {"top_k": 20}),
        ("dashscope/unknown", {"a_field_of_next_year": {"deep": [1]}}, {"a_field_of_next_year": {"deep": [1]}}),
        ("dashscope/qwen-max", {"max_tokens": 100_000}, {"max_tokens": 8192}),
        ("dashscope/qwen-max", {"max_completion_tokens": 100_000}, {"max_tokens": 8192}),
        ("dashscope/qwen3-coder-plus", {"temperature": 0}, {"temperature": 0, "top_p": 0.8, "max_tokens": 32768}),
        ("dashscope/qwen3-max", {"enable_thinking": True, "thinking_budget": 9}, {"max_tokens": 32768}),
        ("dashscope/qwen3.8-max", {"thinking_budget": 9}, {"max_tokens": 32768, "reasoning_effort": "low"}),
        # Ollama reads max_tokens alone and forgives the rest.
        ("lmstudio/qwen3:8b", {"max_tokens": 100, "user": "me"}, {"max_tokens": 100, "user": "me"}),
        ("lmstudio/qwen3:8b", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        # OpenAI's reasoning models refuse max_tokens and sampling.
        ("openai/gpt-5", {**SAMPLING, "max_tokens": 100, "logprobs": True}, {"max_completion_tokens": 100}),
        ("openai/gpt-5", {"max_tokens": 1, "max_completion_tokens": 2}, {"max_completion_tokens": 2}),
        ("openai/gpt-5", {"max_tokens": 1_000_000}, {"max_completion_tokens": 128_000}),
        ("openai/gpt-5", {"store": True, "verbosity": "low"}, {"store": True, "verbosity": "low"}),
        ("openai/gpt-4o", {**SAMPLING, "max_tokens": 9}, {**SAMPLING, "max_tokens": 9}),
        # Claude from 4.7 on refuses sampling; the older take it.
        ("anthropic/claude-opus-5", {**SAMPLING, "top_k": 5}, {"max_tokens": 32000}),
        ("anthropic/claude-opus-4-6", {"temperature": 0.5}, {"temperature": 0.5, "max_tokens": 64000}),
        ("openrouter/anthropic/claude-sonnet-5", {**SAMPLING, "provider": {"sort": "price"}}, {"provider": {"sort": "price"}}),
        ("openrouter/unknown/model", {**OPENAI_ONLY, "models": ["a"]}, {**OPENAI_ONLY, "models": ["a"]}),
        # Bounds other than the output's.
        ("nim/nvidia/llama-3.3-nemotron-super-49b-v1.5", {"max_tokens": 100}, {"temperature": 0.6, "top_p": 0.95, "max_tokens": 4096}),
        ("nim/moonshotai/kimi-k2.6", SAMPLING, {"max_tokens": 16384}),
    ],
)  # fmt: skip
def test_what_was_asked_becomes_what_is_taken(
    sent: Sent, target: str, asked: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert sent(target, **asked) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("nvidia/llama-3.3-nemotron-super-49b-v1", {"temperature": 0.6, "top_p": 0.95, "max_tokens": 16384}),
        ("nvidia/nvidia-nemotron-nano-9b-v2", {"temperature": 0.6, "top_p": 0.95, "max_tokens": 8192}),
        ("qwen/qwen3-next-80b-a3b-instruct", {"temperature": 0.7, "top_p": 0.8, "max_tokens": 16384}),
        ("deepseek-ai/deepseek-v3.1", {"temperature": 0.6, "top_p": 0.95, "max_tokens": 8192}),
        ("openai/gpt-oss-120b", {"temperature": 1, "top_p": 1, "max_tokens": 16384, "reasoning_effort": "medium"}),
        ("qwen/qwen3-coder-480b-a35b-instruct", {"temperature": 0.7, "top_p": 0.8, "max_tokens": 16384}),
        ("deepseek-ai/deepseek-r1-0528", {"temperature": 0.6, "top_p": 0.95, "max_tokens": 32768}),
        ("moonshotai/kimi-k2-instruct", {"temperature": 0.6, "top_p": 1, "max_tokens": 16384}),
    ],
)  # fmt: skip
def test_eight_models_of_nim_are_asked_as_their_makers_advise(
    sent: Sent, target: str, expected: dict[str, Any]
) -> None:
    """Also those that NVIDIA has retired: somebody may serve them under this name."""
    assert sent(f"nim/{target}") == expected
    assert sent(f"nim/{target}", temperature=0.1) == {**expected, "temperature": 0.1}


CODER = Model(
    name="coder",
    target=Target("up", "coder"),
    defaults={"temperature": 0.7, "top_k": 20, "max_completion_tokens": 50},
    always={"seed": 7, "top_p": 0.9},
    drop=frozenset({"user", "stop"}),
)


@pytest.mark.parametrize(
    ("model", "asked", "expected"),
    [
        # The profile's own words go even where the list of NIM would stop an IDE's.
        (CODER, {}, {"temperature": 0.7, "top_k": 20, "max_tokens": 50, "seed": 7, "top_p": 0.9}),
        (CODER, {"temperature": 0}, {"temperature": 0, "top_k": 20, "max_tokens": 50, "seed": 7, "top_p": 0.9}),
        (CODER, {"temperature": None}, {"temperature": 0.7, "top_k": 20, "max_tokens": 50, "seed": 7, "top_p": 0.9}),
        (CODER, {"max_tokens": 9}, {"temperature": 0.7, "top_k": 20, "max_tokens": 9, "seed": 7, "top_p": 0.9}),
        (CODER, {"seed": 1, "stop": "x"}, {"temperature": 0.7, "top_k": 20, "max_tokens": 50, "seed": 7, "top_p": 0.9}),
        (Model(name="m", target=Target("up", "m"), defaults={"seed": 1}, always={"seed": 2}), {"seed": 3}, {"seed": 2}),
        (Model(name="m", target=Target("up", "m"), always={"seed": 2}, drop=frozenset({"seed"})), {"seed": 3}, {}),
        (Model(name="m", target=Target("up", "m"), drop=frozenset({"max_completion_tokens"})), {"max_tokens": 3}, {}),
        (Model(name="m", target=Target("up", "m"), drop=frozenset({"max_tokens"})), {"max_completion_tokens": 3}, {}),
    ],
)  # fmt: skip
def test_the_ide_wins_over_with_and_always_over_the_ide_and_drop_over_all(
    sent: Sent, model: Model, asked: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert sent(NIM, {"model": model}, **asked) == expected


def test_a_profiles_defaults_win_over_the_catalogs(sent: Sent) -> None:
    model = Model(name="m", target=Target("nim", "x"), defaults={"temperature": 0.1})
    body = sent("nim/qwen/qwen3-coder-480b-a35b-instruct", {"model": model})

    assert body == {"temperature": 0.1, "top_p": 0.8, "max_tokens": 16384}


def test_a_profiles_value_is_clamped_and_renamed_too(sent: Sent) -> None:
    model = Model(name="m", target=Target("openai", "gpt-5"), always={"max_tokens": 999_999})

    assert sent("openai/gpt-5", {"model": model}) == {"max_completion_tokens": 128_000}


@pytest.mark.parametrize(
    ("limits", "value", "expected"),
    [
        ((0.01, 1.0), 0, 0.01),
        ((0.01, 1.0), 2, 1),
        ((0.0, 1.0), 1.5, 1.0),
        ((1.0, 100.0), 500, 100),
        ((0, 1), 0.5, 0.5),
        ((0, 1), "warm", "warm"),
        ((0, 1), True, True),
        ((5, 9), None, None),
    ],
)
def test_a_number_beyond_a_bound_becomes_the_bound(
    outgoing: Prepare, limits: tuple[float, float], value: Any, expected: Any
) -> None:
    body = {"model": "m", "messages": [{}], "temperature": value}
    made = outgoing("openai/gpt-4o", body, manners=Manners(clamp={"temperature": limits})).body or b""

    assert f'"temperature":{json.dumps(expected)}'.encode() in made


def test_an_upstream_with_a_list_always_gets_model_and_messages(outgoing: Prepare) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "top_k": 1, "seed": 2}
    made = json.loads(outgoing("vllm/x", body, manners=Manners(accepts=frozenset({"seed"}))).body or b"")

    assert made == {"seed": 2, "messages": body["messages"], "model": "x", "stream": False}


@pytest.mark.parametrize(
    ("stream", "manners", "expected"),
    [
        (True, Manners(), {"stream": True, "stream_options": {"include_usage": True}}),
        (False, Manners(), {"stream": False}),
        (True, Manners(usage=False), {"stream": True}),
        (False, Manners(stream="only"), {"stream": True, "stream_options": {"include_usage": True}}),
        (True, Manners(stream="never"), {"stream": False}),
    ],
)
def test_how_the_upstream_streams_is_its_own_affair(
    outgoing: Prepare, stream: bool, manners: Manners, expected: dict[str, Any]
) -> None:
    asked = {"model": "m", "messages": [{}], "stream": stream, "stream_options": {"include_usage": False}}
    made = outgoing("vllm/x", asked, manners=manners)
    body = json.loads(made.body or b"")

    assert {name: body[name] for name in body if name.startswith("stream")} == expected
    assert made.headers["accept"] == ("text/event-stream" if expected["stream"] else "application/json")


def test_a_limit_of_the_profile_wins_over_the_catalogs_output(outgoing: Prepare) -> None:
    known = KnownModel(
        target=Target("vllm", "x"), title="x", output=1000, manners=Manners(clamp={"max_tokens": (10, 2000)})
    )
    body = {"model": "m", "messages": [{}], "max_tokens": 5000, "max_completion_tokens": 5000}
    made = json.loads(outgoing("vllm/x", body, knows=known).body or b"")

    assert (made["max_tokens"], made["max_completion_tokens"]) == (2000, 1000)


def test_openrouter_is_told_how_to_route(sent: Sent) -> None:
    wishes = {
        "provider": {"order": ["anthropic"], "data_collection": "deny"},
        "models": ["a/b", "c/d"],
        "transforms": ["middle-out"],
        "session_id": "s",
    }
    assert sent("openrouter/unknown/model", **wishes) == wishes
