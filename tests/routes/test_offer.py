"""What is said of a profile in few words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.profile import Profile, Upstream
from idetour.profile.catalog import load
from idetour.profile.read import read
from idetour.routes.offer import asks_for, first_choice, lacking, state, targets
from idetour.secret import Secret

type Reads = Callable[..., Profile]
NVIDIA = {"NVIDIA_API_KEY": "nvapi-test-000"}


@pytest.fixture
def profile(profile_file: Callable[..., Path]) -> Reads:
    return lambda text, **env: read(profile_file(text), catalog=load(env=env), env=env)


@pytest.mark.parametrize(
    ("text", "env", "name"),
    [
        ("offer: available", {}, "demo/hello"),
        ("offer: available", NVIDIA, "nim/nvidia/llama-3.3-nemotron-super-49b-v1"),
        ("models: { coder: nim/x, mine: demo/slow }", {}, "mine"),
        ("models: { coder: nim/x, mine: demo/slow }", NVIDIA, "coder"),
        ("models: { coder: nim/x }", {}, "demo/hello"),
        ("models: { coder: nim/x }\nroutes: { gpt-4o: coder }", NVIDIA, "gpt-4o"),
        ("models: { coder: nim/x }\nroutes: { gpt-4o: [{ use: coder, else: demo/slow }] }", {}, "gpt-4o"),
    ],
)
def test_the_example_is_a_name_that_can_answer_now(
    profile: Reads, text: str, env: dict[str, str], name: str
) -> None:
    assert first_choice(profile(text, **env)) == name


def test_a_route_names_all_its_targets_with_their_parts(profile: Reads) -> None:
    made = profile("models: { a: demo/slow }\nroutes: { r: [{ use: { a: 1, demo/tools: 3 }, else: nim/x }] }")

    assert [(part, str(target)) for part, target in targets(made, "r")] == [
        ("25%", "demo/slow"),
        ("75%", "demo/tools"),
        ("else", "nim/x"),
    ]
    assert list(targets(made, "nobody")) == []


UP = Upstream(name="up", title="Up", url="http://127.0.0.1:9/v1")
KEY, OTHER = Secret("sk-test-0000001234"), Secret("sk-test-0000005678")


@pytest.mark.parametrize(
    ("upstream", "words"),
    [
        (UP, "no key needed"),
        (Upstream(name="u", title="U", url="", client_key=True), "the IDE's key"),
        (Upstream(name="u", title="U", url="", keys=(KEY,), needs_key=True), "key …1234"),
        (Upstream(name="u", title="U", url="", keys=(KEY, OTHER), needs_key=True), "key …1234 and 1 more"),
        (Upstream(name="u", title="U", url="", needs_key=True, key_names=("A", "B")), "no key: set A"),
        (Upstream(name="u", title="U", url="", needs_key=True), "no key"),
        (Upstream(name="u", title="U", url="", login="qwen"), "no login yet"),
    ],
)
def test_an_upstream_says_what_it_has_or_lacks(upstream: Upstream, words: str) -> None:
    assert state(upstream) == words


def test_a_profile_lacks_only_the_keys_of_what_it_names(profile: Reads) -> None:
    made = profile("models: { a: nim/x, b: demo/hello }\nroutes: { r: [{ use: a, else: openai/gpt-5 }] }")

    assert [(vendor, upstream.name) for vendor, upstream in lacking(made)] == [
        ("NVIDIA NIM", "nim"),
        ("OpenAI", "openai"),
    ]


def test_an_open_profile_lacks_one_key_of_each_vendor(profile: Reads) -> None:
    found = lacking(profile("offer: available", **NVIDIA))

    assert [(vendor, upstream.name) for vendor, upstream in found][:3] == [
        ("Alibaba Cloud Model Studio", "dashscope"),
        ("OpenRouter", "openrouter"),
        ("Anthropic", "anthropic"),
    ]


def test_where_one_plan_of_a_vendor_answers_another_is_lacking_only_if_it_is_used(profile: Reads) -> None:
    key = {"DASHSCOPE_KEY": "sk-test-000"}
    plan = "models: { a: dashscope/qwen3-max, b: dashscope-hk/qwen3-max }"

    assert "Alibaba Cloud Model Studio" not in [
        vendor for vendor, _ in lacking(profile("offer: available", **key))
    ]
    assert [upstream.name for _, upstream in lacking(profile(plan, **key))] == ["dashscope-hk"]


@pytest.mark.parametrize(
    ("access", "words"),
    [
        ("", None),
        ("access: [$TEAM]", "an access key (TEAM)"),
        ("access: [sk-0123456789abcdef]", "an access key (written in the profile)"),
    ],
)
def test_which_key_callers_need(profile: Reads, access: str, words: str | None) -> None:
    assert asks_for(profile(f"models: {{ m: demo/hello }}\n{access}")) == words
