"""Which rule holds, and for how long."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idetour.errors import BadRequest, NotFound
from idetour.profile import Profile, Target, Upstream
from idetour.profile.catalog import load
from idetour.profile.read import read
from idetour.routes.asked import Asked
from idetour.routes.lexical import Lexical
from idetour.routes.meaning import Meaning
from idetour.routes.router import MOST, Router
from idetour.wire import chat
from routes.asking import CALL, IMAGE, RESULT, asks

Made = Callable[[str], Profile]


@pytest.fixture
def made(profile_file: Callable[..., Path]) -> Made:
    """A profile whose route `r` has these rules; the models a to e answer."""

    def reads(rules: str) -> Profile:
        models = "models: { a: demo/hello, b: demo/slow, c: demo/tools, d: demo/think, e: demo/echo }\n"
        return read(profile_file(f"{models}routes:\n  r:\n{rules}"), catalog=load(env={}), env={})

    return reads


def met(profile: Profile, *several: Asked, router: Router | None = None) -> list[int]:
    """The numbers of the rules that these requests meet, one after the other, from 1."""
    router = router or Router()

    async def each() -> list[int]:
        return [1 + await router.rule(profile, "r", asked) for asked in several]

    return asyncio.run(each())


SEVERAL = """
    - { when: { kind: title }, use: a }
    - { when: { images: true }, use: b }
    - { when: { about: debug, says: [登录, login] }, use: c }
    - { when: { about: [debug, refactor] }, use: d }
    - use: e
"""


def test_the_first_rule_that_holds_decides(made: Made) -> None:
    profile = made(SEVERAL)

    assert met(
        profile,
        asks("Generate a title for this conversation"),
        asks({"role": "user", "content": [{"type": "text", "text": "debug the login"}, IMAGE]}),
        asks("debug the login"),
        asks("登录接口报错了"),
        asks("重构一下"),
        asks("你好"),
    ) == [1, 2, 3, 3, 4, 5]


def test_the_plan_names_route_and_rule_and_leads_to_its_targets(made: Made) -> None:
    profile = made(SEVERAL)
    planned = asyncio.run(Router().plan(profile, asks("重构一下")))

    assert planned.why == "route r, rule 4"
    assert [str(each.target) for each in planned.candidates] == ["demo/think"]


def test_a_request_that_meets_no_rule_is_refused_and_told_why(made: Made) -> None:
    profile = made("    - { when: { says: debug }, use: a }\n")

    with pytest.raises(NotFound, match="No rule of the route 'r' holds for this request") as error:
        asyncio.run(Router().plan(profile, asks("hi")))
    assert error.value.code == "model_not_found"


def test_tool_turns_follow_the_question(made: Made) -> None:
    profile = made("    - { when: { time: '09:00-18:00' }, use: a }\n    - use: b\n")
    night = asks("x").at.replace(hour=23)
    question = asks("look", tools=("x",))
    result = asks("look", CALL, RESULT, tools=("x",), at=night)
    again = asks(
        "look", CALL, RESULT, {"role": "assistant", "content": "done"}, "look", tools=("x",), at=night
    )

    assert met(profile, question, result, again, result) == [1, 1, 2, 2]
    assert met(profile, result) == [2]  # nobody saw the question


def test_what_an_ide_asks_beside_the_question_does_not_lead_its_tools_astray(made: Made) -> None:
    profile = made(
        "    - { when: { kind: title }, use: a }\n    - { when: { kind: agent }, use: b }\n    - use: c\n"
    )
    named = {"x-session-id": "s"}
    question = asks("Generate a title", tools=("x",), headers=named)
    title = asks("Generate a title", headers=named)
    result = asks("Generate a title", CALL, RESULT, tools=("x",), headers=named)

    assert met(profile, question, title, result) == [2, 1, 2]


def test_a_conversation_that_outgrows_a_window_moves_on_while_a_model_works(made: Made) -> None:
    profile = made(
        "    - { when: { tokens_over: 2000 }, use: a }\n"
        "    - { when: { about: debug, tokens_under: 1000 }, use: b }\n    - use: c\n"
    )
    long = {"role": "tool", "tool_call_id": "1", "content": "line " * 1200}

    assert met(
        profile,
        asks("debug it"),
        asks("debug it", CALL, RESULT),
        asks("debug it", CALL, long),
        asks("debug it", CALL, long, CALL, long),
    ) == [2, 2, 3, 1]


def test_another_conversation_with_the_same_words_is_judged_anew(made: Made) -> None:
    profile = made("    - { when: { time: '09:00-18:00' }, use: a }\n    - use: b\n")
    night = asks("x").at.replace(hour=23)
    mine, yours = {"x-session-id": "1"}, {"x-session-id": "2"}

    assert met(profile, asks("go", headers=mine), asks("go", CALL, RESULT, headers=yours, at=night)) == [1, 2]


def test_a_changed_condition_is_asked_anew_and_a_changed_weight_is_not(made: Made) -> None:
    router, night = Router(), asks("x").at.replace(hour=23)
    result = asks("go", CALL, RESULT, at=night)
    rules = "    - {{ when: {{ time: '{}' }}, use: {{ a: {} }} }}\n    - use: b\n"
    assert met(made(rules.format("09:00-18:00", 1)), asks("go"), result, router=router) == [1, 1]
    assert met(made(rules.format("09:00-18:00", 5)), result, router=router) == [1]
    assert met(made(rules.format("09:00-19:00", 1)), result, router=router) == [2]


def test_no_more_than_two_thousand_turns_are_remembered(made: Made) -> None:
    profile, router = made("    - { when: { says: a }, use: a }\n    - use: b\n"), Router()
    met(profile, *(asks(f"task {number}") for number in range(MOST + 50)), router=router)

    assert len(router._decided) == MOST


def test_a_route_without_conditions_looks_at_no_message(made: Made) -> None:
    asked = asks("hi")
    assert met(made("    - use: a\n"), asked) == [1]

    assert "turns" not in asked.__dict__


def test_a_name_that_is_no_route_is_not_looked_into(made: Made) -> None:
    asked = asks("debug", model="a")

    assert asyncio.run(Router().plan(made(SEVERAL), asked)).why == "model a"
    assert "turns" not in asked.__dict__


def test_the_profiles_embeddings_model_comes_first_and_follows_its_changes(made: Made) -> None:
    async def embed(upstream: Upstream, model: str, texts: Sequence[str]) -> list[list[float]]:
        return [[1.0]]

    router, plain = Router(embed), made(SEVERAL)
    mine = replace(plain, embeddings=Target("ollama", "bge-m3"))
    moved = replace(mine, upstreams={"ollama": replace(mine.upstreams["ollama"], url="http://127.0.0.1:9")})
    first = [router.methods(each)[0] for each in (mine, mine, moved)]

    assert [isinstance(each, Meaning) and each.method for each in first] == ["ollama/bge-m3"] * 3
    assert first[0] is first[1] is not first[2]
    assert isinstance(router.methods(plain)[-1], Lexical)


EVERYTHING = """
    - { when: { says: ["/a.*b/", x], tokens_over: 5, images: true, tools: [x], path: /x, client: abc, time: sun, share: 0.5 }, use: a }
    - { when: { tokens_over: 5 }, use: a }
    - { when: { images: true }, use: a }
    - { when: { says: ["/(a|b)+c/", 报错] }, use: a }
    - { when: { kind: [plan, title, summary, apply] }, use: a }
    - { when: { share: 0.001 }, use: a }
    - { when: { about: { debug: [], own: [some words, 一些话] } }, use: a }
    - { when: { tools: true, tokens_under: 3 }, use: a }
    - use: b
"""
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
parts = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "tool_result"])}, optional={"text": anything}
)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "system", "assistant", "tool"]) | anything},
    optional={"content": anything | st.lists(parts, max_size=3), "tool_calls": anything},
)
bodies = st.fixed_dictionaries(
    {"model": st.just("r"), "messages": st.lists(messages | anything, min_size=1, max_size=4) | anything},
    optional=dict.fromkeys(("tools", "metadata", "user", "prompt_cache_key", "suffix", "input"), anything),
)


@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
@given(body=bodies)
def test_any_json_finds_a_rule_or_is_a_bad_request(everything: Profile, body: dict[str, Any]) -> None:
    try:
        asked = Asked(request=chat.read(json.dumps(body).encode()))
        assert met(everything, asked)[0] >= 1
    except BadRequest:
        pass


@pytest.fixture
def everything(made: Made) -> Profile:
    return made(EVERYTHING)
