"""The order in which a name is resolved, and who is asked in which order."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from idetour.errors import NotFound, RequestError
from idetour.profile import Catalog, Profile, Target
from idetour.profile.catalog import load
from idetour.profile.read import read
from idetour.routes.plan import NO_LISTS, Listed, answers, offered, plan, route_of

NVIDIA = {"NVIDIA_API_KEY": "nvapi-test-000"}
CODER = "qwen/qwen3-coder-480b-a35b-instruct"
type Reads = Callable[..., Profile]


@pytest.fixture
def profile(profile_file: Callable[..., Path]) -> Reads:
    """`profile(text, NAME=value)` with the shipped catalog and these keys."""

    def reads(text: str, **env: str) -> Profile:
        return read(profile_file(text), catalog=load(env=env), env=env)

    return reads


def targets(profile: Profile, asked: str, listed: Listed = NO_LISTS) -> list[str]:
    return [
        str(each.target) for each in plan(profile, asked, listed=listed, uniform=lambda _: 0.5).candidates
    ]


EVERYTHING = """
upstreams: { up: { url: "http://127.0.0.1:9/v1" }, b: { url: "http://127.0.0.1:9/v1" } }
models: { coder: up/coder, quick: { to: up/quick, with: { temperature: 0.1 } } }
routes:
  gpt-4o: [{ use: coder, else: [quick, b/coder, up/coder] }]
  default: b/whatever
"""


@pytest.mark.parametrize(
    ("asked", "why", "first"),
    [
        ("gpt-4o", "route gpt-4o", "up/coder"),
        ("coder", "model coder", "up/coder"),
        ("up/some-model", "model up/some-model", "up/some-model"),
        ("up/with/slashes:7b", "model up/with/slashes:7b", "up/with/slashes:7b"),
        ("custom_openai_compatible//coder", "model coder", "up/coder"),
        ("custom//up/x", "model up/x", "up/x"),
        ("  coder ", "model coder", "up/coder"),
        ("gpt-99", "default route", "b/whatever"),
        ("GPT-4o", "default route", "b/whatever"),
    ],
)
def test_a_name_is_resolved_in_this_order(profile: Reads, asked: str, why: str, first: str) -> None:
    planned = plan(profile(EVERYTHING), asked)

    assert (planned.asked, planned.why, str(planned.candidates[0].target)) == (asked, why, first)


def test_a_route_tries_its_names_in_order_and_no_target_twice(profile: Reads) -> None:
    made = profile(EVERYTHING)

    assert targets(made, "gpt-4o") == ["up/coder", "up/quick", "b/coder"]
    assert plan(made, "gpt-4o").candidates[0].model is made.models["coder"]


def test_a_candidate_carries_the_model_by_which_it_was_named(profile: Reads) -> None:
    made = profile(EVERYTHING)

    assert plan(made, "quick").candidates[0].model is made.models["quick"]
    assert plan(made, "up/quick").candidates[0].model is None


def test_a_model_hides_an_id_of_the_same_name(profile: Reads) -> None:
    made = profile("models: { qwen3-max: demo/hello }", DASHSCOPE_API_KEY="sk-test-000")

    assert targets(made, "qwen3-max") == ["demo/hello"]


def test_weights_decide_who_is_first_and_the_others_follow(profile: Reads) -> None:
    made = profile("routes: { r: [{ use: { demo/slow: 3, demo/tools: 1 }, else: demo/hello }] }")
    rare = plan(made, "r", uniform=lambda name: 0.9 if name == "demo/slow" else 0.1)

    assert targets(made, "r") == ["demo/slow", "demo/tools", "demo/hello"]
    assert [str(each.target) for each in rare.candidates] == ["demo/tools", "demo/slow", "demo/hello"]


def test_chance_decides_when_nobody_else_does(profile: Reads) -> None:
    made = profile("routes: { r: [{ use: [demo/slow, demo/tools] }] }")
    first = {str(plan(made, "r").candidates[0].target) for _ in range(100)}

    assert first == {"demo/slow", "demo/tools"}


def test_all_are_planned_for_since_who_fits_is_seen_later(profile: Reads) -> None:
    names = ["nim/no-key", *(f"demo/{number}" for number in range(9))]
    made = profile(f"routes: {{ r: [{{ use: openai/no-key, else: [{', '.join(names)}] }}] }}")

    assert targets(made, "r") == ["openai/no-key", *names]


@pytest.mark.parametrize(
    ("asked", "env", "first"),
    [
        # Both an upstream's name and an id with a slash in it.
        (CODER, NVIDIA, f"nim/{CODER}"),
        (CODER, {}, f"nim/{CODER}"),
        ("openai/gpt-oss-120b", NVIDIA, "nim/openai/gpt-oss-120b"),
        ("openai/gpt-oss-120b", {"OPENROUTER_API_KEY": "sk-or-test"}, "openrouter/openai/gpt-oss-120b"),
        ("openai/gpt-oss-120b", {**NVIDIA, "OPENROUTER_API_KEY": "sk-or-test"}, "nim/openai/gpt-oss-120b"),
        ("openai/gpt-oss-120b", {**NVIDIA, "OPENAI_API_KEY": "sk-test"}, "nim/openai/gpt-oss-120b"),
        ("openai/gpt-oss-120b", {"OPENAI_API_KEY": "sk-test"}, "openai/gpt-oss-120b"),
        ("openai/gpt-5", {**NVIDIA, "OPENAI_API_KEY": "sk-test"}, "openai/gpt-5"),
        ("openai/gpt-5", {}, "openai/gpt-5"),
        (
            "deepseek/deepseek-r1-0528",
            {"OPENROUTER_API_KEY": "sk-or-test"},
            "openrouter/deepseek/deepseek-r1-0528",
        ),
        # Alone.
        ("qwen3-max", {"DASHSCOPE_API_KEY": "sk-test"}, "dashscope/qwen3-max"),
        ("qwen3-coder-plus", {"DASHSCOPE_CODING_KEY": "sk-sp-test"}, "dashscope-coding/qwen3-coder-plus"),
        ("gpt-5", {}, "openai/gpt-5"),
        # Retired here, alive there.
        ("qwen/qwen3-next-80b-a3b-instruct", {}, "openrouter/qwen/qwen3-next-80b-a3b-instruct"),
        (
            "qwen/qwen3-next-80b-a3b-instruct",
            {**NVIDIA, "OPENROUTER_API_KEY": "sk-or-test"},
            "openrouter/qwen/qwen3-next-80b-a3b-instruct",
        ),
        ("qwen/qwen3-next-80b-a3b-instruct", NVIDIA, "nim/qwen/qwen3-next-80b-a3b-instruct"),
    ],
)
def test_an_id_that_a_ready_upstream_knows_wins(
    profile: Reads, asked: str, env: dict[str, str], first: str
) -> None:
    assert targets(profile("models: { m: demo/hello }", **env), asked) == [first]


def test_a_model_that_was_retired_is_planned_with_what_is_known_of_it(profile: Reads) -> None:
    """The upstream's own 404 is then answered with the name that replaces it."""
    (candidate,) = plan(profile("models: { m: demo/hello }"), CODER).candidates

    assert candidate.known
    assert candidate.known.retired
    assert str(candidate.known.instead) == "dashscope/qwen3-coder-plus"


def test_an_upstream_of_the_profile_knows_what_its_list_says(profile: Reads) -> None:
    made = profile(
        'upstreams: { qwen: { url: "http://127.0.0.1:9/v1" } }\nmodels: { m: demo/hello }', **NVIDIA
    )

    assert targets(made, CODER) == [f"nim/{CODER}"]
    assert targets(made, CODER, {"qwen": [CODER.partition("/")[2]]}) == [CODER]


def test_a_listed_id_needs_no_upstream_before_it(profile: Reads) -> None:
    made = profile("models: { m: demo/hello }")

    assert targets(made, "qwen3:8b", {"ollama": ["qwen3:8b"]}) == ["ollama/qwen3:8b"]
    assert targets(made, "gpt-5", {"ollama": ["gpt-5"]}) == ["ollama/gpt-5"]


def test_a_list_of_an_upstream_that_is_gone_from_the_profile_is_ignored(profile: Reads) -> None:
    made, listed = profile("offer: available"), {"gone": ["x"]}

    assert "gone/x" not in offered(made, listed)
    with pytest.raises(NotFound):
        plan(made, "x", listed=listed)


def test_an_unknown_name_is_answered_with_the_three_nearest(profile: Reads) -> None:
    made = profile(
        "models: { coder-large: demo/hello, coder-small: demo/hello, coder: demo/hello, quick: demo/slow }"
    )
    with pytest.raises(NotFound) as caught:
        plan(made, "CODER-SMAL")

    assert str(caught.value) == (
        "No model is called 'CODER-SMAL' here. Nearest: coder-small, coder-large, coder. GET /v1/models lists all."
    )
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")


def test_a_name_far_from_all_is_answered_with_the_first_three(profile: Reads) -> None:
    with pytest.raises(NotFound, match=r"Nearest: a, b, c\. "):
        plan(profile("models: { a: demo/hello, b: demo/hello, c: demo/hello, d: demo/slow }"), "zzzz")


def test_an_absurdly_long_name_is_not_repeated_whole(profile: Reads) -> None:
    with pytest.raises(NotFound) as caught:
        plan(profile("models: { a: demo/hello }"), "x" * 1_000_000)

    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("asked", ["", "/", "nim/", "/model", "custom//", "no-such-upstream/model"])
def test_half_a_name_is_unknown(profile: Reads, asked: str) -> None:
    with pytest.raises(NotFound):
        plan(profile("models: { m: demo/hello }"), asked)


def test_a_list_shows_what_the_profile_declares(profile: Reads) -> None:
    made = profile(EVERYTHING, **NVIDIA)

    assert list(offered(made, {"ollama": ["qwen3:8b"]})) == ["gpt-4o", "default", "coder", "quick"]


def test_an_open_profile_shows_what_can_answer_now(profile: Reads) -> None:
    made = profile("offer: available\nmodels: { ollama/qwen3: demo/slow }", **NVIDIA)
    names = offered(made, {"ollama": ["qwen3"], "lmstudio": ["gemma"]})

    assert str(names["ollama/qwen3"]) == "demo/slow"
    assert {"lmstudio/gemma", "demo/hello", "nim/openai/gpt-oss-120b"} < names.keys()
    assert f"nim/{CODER}" not in names
    assert not any(name.startswith(("dashscope", "openai/")) for name in names)


def test_the_catalogs_names_are_near_when_nothing_is_offered(catalog_alone: Profile) -> None:
    with pytest.raises(NotFound, match="Nearest: nim/openai/gpt-oss-20b, nim/openai/gpt-oss-120b"):
        plan(catalog_alone, "gpt-oss-20")


@pytest.fixture
def catalog_alone() -> Profile:
    """A profile as code may make it: it offers nothing."""
    catalog: Catalog = load(env={})
    return Profile(
        name="none", path=Path(), upstreams=catalog.upstreams, models={}, routes={}, catalog=catalog
    )


RULES = """
models: { a: demo/hello, b: demo/slow }
routes:
  r: [{ when: { says: x }, use: a }, { use: b, else: a }]
  only: { when: { says: x }, use: nim/x }
  default: demo/tools
"""


@pytest.mark.parametrize(
    ("rule", "why", "first"),
    [
        (0, "route r, rule 1", "demo/hello"),
        (1, "route r, rule 2", "demo/slow"),
        (None, "route r, rule 2", "demo/slow"),
    ],
)
def test_the_rule_that_was_met_is_followed(profile: Reads, rule: int | None, why: str, first: str) -> None:
    planned = plan(profile(RULES), "r", rule=rule)

    assert (planned.why, str(planned.candidates[0].target)) == (why, first)


def test_a_route_decides_for_its_own_name_and_default_for_what_nobody_knows(profile: Reads) -> None:
    made = profile(RULES)

    assert [route_of(made, name) for name in ("r", " custom//r", "a", "demo/hello", "gpt-99")] == [
        "r",
        "r",
        None,
        None,
        "default",
    ]
    assert route_of(profile("models: { a: demo/hello }"), "gpt-99") is None


def test_a_route_answers_if_one_of_its_rules_may(profile: Reads) -> None:
    made = profile(RULES)

    assert all(answers(made, name) for name in ("r", "only", "a", "gpt-99"))
    assert not answers(profile("models: { a: demo/hello }"), "gpt-99")


def test_what_is_switched_off_is_left_out(profile: Reads) -> None:
    made = replace(profile(EVERYTHING), off=frozenset({Target("up", "coder")}))

    assert targets(made, "gpt-4o") == ["up/quick", "b/coder"]
    with pytest.raises(
        RequestError, match="coder leads to up/coder alone, and that is switched off"
    ) as refused:
        plan(made, "coder")
    assert refused.value.code == "switched_off"
