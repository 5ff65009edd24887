"""Faults are in tests/golden/profiles; here are the warnings of profiles that work."""

from collections.abc import Callable

import pytest

from idetour.profile import Profile

Read = Callable[..., Profile]


@pytest.mark.parametrize(
    "text",
    [
        "upstreams: { nim: { key: nvapi-000000000 } }",
        "upstreams: { nim: { key: [$A, nvapi-000000000] } }",
        "access: [nvapi-000000000]",
    ],
)
def test_a_literal_key_is_accepted_with_a_warning_that_does_not_show_it(profile: Read, text: str) -> None:
    [warning] = profile(text).warnings

    assert "put it in an environment variable and write $NAME" in warning
    assert "nvapi" not in warning


def test_a_variable_and_the_clients_key_are_no_literal_keys(profile: Read) -> None:
    assert profile("upstreams: { nim: { key: $A }, openai: { key: client } }").warnings == ()


def test_a_warning_says_where(profile: Read) -> None:
    read = profile("upstreams:\n  nim:\n    key: abcdef\n")

    assert read.warnings[0].startswith(f"{read.path}:3:10: ")


def test_a_retired_target_is_named_with_what_replaces_it(profile: Read) -> None:
    target = "nim/qwen/qwen3-coder-480b-a35b-instruct"
    in_model, in_route = profile(f"models: {{ a: {target} }}\nroutes: {{ b: {target} }}").warnings

    assert in_model.endswith("use dashscope/qwen3-coder-plus")
    assert in_route.endswith("use dashscope/qwen3-coder-plus")


def test_an_upstream_of_ones_own_serves_what_it_likes(profile: Read) -> None:
    text = (
        "upstreams: { nim: { url: http://127.0.0.1:8000/v1 } }\nmodels: { a: nim/deepseek-ai/deepseek-v3.1 }"
    )

    assert profile(text).warnings == ()


def test_access_without_any_key_is_told(profile: Read) -> None:
    assert profile("access: $TEAM", TEAM="a").warnings == ()
    assert profile("access: $TEAM").warnings[0].endswith("$TEAM is not set: every caller is refused")
    [warning] = profile("access: $TEAM", IDETOUR_API_KEY="a").warnings
    assert warning.endswith("$TEAM is not set: only IDETOUR_API_KEY counts")


def test_names_for_others_without_a_key_are_told(profile: Read) -> None:
    assert profile("names: llm.example.com\naccess: $TEAM", TEAM="a").warnings == ()
    assert profile("names: llm.example.com", IDETOUR_API_KEY="a").warnings == ()
    [warning] = profile("names: llm.example.com").warnings
    assert warning.endswith("there is none; set IDETOUR_API_KEY, or add `access:`")


def test_a_slip_of_the_pen_in_a_field_is_told_and_the_field_is_sent(profile: Read) -> None:
    read = profile("models: { a: { to: nim/b, with: { temprature: 1, my_own_field: 2 } } }")

    assert read.models["a"].defaults == {"temprature": 1, "my_own_field": 2}
    assert [warning.rpartition("; ")[2] for warning in read.warnings] == ["did you mean 'temperature'?"]


def test_rules_below_one_that_always_matches_are_told(profile: Read) -> None:
    read = profile("routes: { a: [{ use: nim/b }, { use: nim/c }] }")

    assert "never reached" in read.warnings[0]
    assert len(read.routes["a"]) == 2


def test_a_model_with_a_slash_in_its_name_is_a_model_first(profile: Read) -> None:
    read = profile("models: { qwen/mine: nim/b }\nroutes: { a: qwen/mine }")

    assert read.warnings == ()


def test_a_route_that_may_meet_no_rule_is_warned_of(profile: Read) -> None:
    one = profile("routes: { a: { when: { says: x }, use: demo/hello } }").warnings
    two = profile("routes: { a: [demo/slow, { when: { says: x }, use: demo/hello }] }").warnings

    assert [warning.partition(": ")[2] for warning in one] == [
        "a request that meets no rule of this route is refused: the last one has a `when` too; add a rule without `when`"
    ]
    assert [warning.partition(": ")[2] for warning in two] == [
        "the rules below are never reached: this one has no `when`, so it always matches"
    ]


def test_who_trims_by_an_unknown_window_is_told(profile: Read) -> None:
    known, unknown = "models: {{ a: {{ to: {}, trim: {} }} }}", "openrouter/who/knows"
    assert profile(known.format("dashscope/qwen3-max", "tool-results")).warnings == ()
    assert profile(known.format(unknown, "120000")).models["a"].trim == 120_000
    [warning] = profile(known.format(unknown, "tool-results")).warnings
    assert (
        warning.rpartition(": ")[2]
        == f"the window of '{unknown}' is not known, so nothing is ever left out; write a number of tokens"
    )
