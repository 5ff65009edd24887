"""Weights over those of a profile, and what is kept of them."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from idetour.endpoints import weights
from idetour.endpoints.weights import EVERYWHERE, Weights, differences, read, saved, with_weights
from idetour.errors import BadRequest, RequestError
from idetour.profile import Profile
from idetour.profile.watch import Watched
from idetour.routes.plan import plan

ROUTES = """
models: { a: demo/echo, b: demo/hello }
routes:
  gpt-4o: [{ use: { a: 3, b: 1 }, else: [demo/thinker] }]
  other: [{ use: a }]
"""


@pytest.fixture
def profile(profiles: Callable[..., Profile]) -> Profile:
    return profiles(ROUTES)


@pytest.fixture
def watched(profile: Profile) -> Watched:
    return Watched(profile.path)


def shares(profile: Profile) -> dict[str, int]:
    """Who comes first in 1,000 plans, by a seeded chance."""
    chance = random.Random(7)
    plans = (plan(profile, "gpt-4o", uniform=lambda _: chance.random()) for _ in range(1000))
    return Counter(each.candidates[0].target.model for each in plans)


def test_other_weights_are_other_shares(profile: Profile) -> None:
    usual, turned = shares(profile), shares(with_weights(profile, {"gpt-4o": {EVERYWHERE: {"a": 1, "b": 3}}}))

    assert 700 < usual["echo"] < 800
    assert 700 < turned["hello"] < 800


def test_a_weight_of_nothing_is_not_asked_any_more(profile: Profile) -> None:
    only = plan(with_weights(profile, {"gpt-4o": {EVERYWHERE: {"a": 0}}}), "gpt-4o")

    assert [str(each.target) for each in only.candidates] == ["demo/hello", "demo/thinker"]


def test_where_nothing_is_weighed_that_is_said(profiles: Callable[..., Profile]) -> None:
    with pytest.raises(BadRequest, match="The profile has no `routes:` that choose"):
        read(b'{"a": 1}', profiles("models: {a: demo/hello}"))


def test_a_name_alone_is_meant_in_every_route_that_chooses_it(profile: Profile) -> None:
    assert read(b'{"a": 2}', profile) == {"gpt-4o": {EVERYWHERE: {"a": 2}}, "other": {EVERYWHERE: {"a": 2}}}
    assert read(b'{"gpt-4o": {"a": 0.5}}', profile) == {"gpt-4o": {EVERYWHERE: {"a": 0.5}}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"c": 1}', "No route chooses 'c' by weight"),
        (b'{"demo/thinker": 1}', "No route chooses 'demo/thinker'"),  # `else` has no weights
        (b'{"gpt-4": {"a": 1}}', "No route chooses 'gpt-4.a'"),
        (b'{"other": {"b": 1}}', "No route chooses 'other.b'"),
        (b'{"a": -1}', "0 or more, not -1"),
        (b'{"a": 1e999}', "a"),
        (b'{"a": true}', "got `bool`"),
        (b'{"a": "1"}', "got `str`"),
        (b'{"a": null}', "got `null`"),
        (b'{"gpt-4o": {"a": [1]}}', "got `array`"),
        (b'{"gpt-4o": {"1": {"a": "1"}}}', "got `str`"),
        (b'{"gpt-4o": {"1": {}}}', "No weight is named"),
        (b'{"gpt-4o": {"1": {"c": 1}}}', "No route chooses 'gpt-4o.1.c'"),
        (b'{"gpt-4o": {"1": {"a": -1}}}', "0 or more, not -1"),
        (b'{"gpt-4o": {"2": {"a": 1}}}', "Route gpt-4o has no rule '2'. It has 1, counted from 1."),
        (b'{"gpt-4o": {"0": {"a": 1}}}', "has no rule '0'"),
        (b'{"gpt-4o": {"\xc2\xb2": {"a": 1}}}', "has no rule"),
        (b'{"gpt-4": {"1": {"a": 1}}}', "The profile has no such route"),
        (b"[1]", "got `array`"),
        (b"{}", "No weight is named"),
        (b'{"gpt-4o": {}}', "No weight is named"),
        (b"", "{name: number}"),
        (b"{" * 100_000, "{name: number}"),
        (b'{"\xff": 1}', "{name: number}"),
    ],
)
def test_what_is_no_weight_is_refused_with_a_reason(profile: Profile, body: bytes, said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(body, profile)
    assert said in caught.value.message
    assert caught.value.status == 400


def test_a_name_that_nobody_knows_is_repeated_in_part_only(profile: Profile) -> None:
    with pytest.raises(BadRequest) as caught:
        read(json.dumps({"x" * 100_000: 1}).encode(), profile)
    assert len(caught.value.message) < 300


async def changed(watched: Watched, *bodies: str, folder: Path | None = None) -> Weights:
    made = Weights(watched, folder)
    for body in bodies:
        await made.change(body.encode())
    return made


def run(watched: Watched, *bodies: str, folder: Path | None = None) -> Weights:
    return asyncio.run(changed(watched, *bodies, folder=folder))


def test_what_was_set_before_stays(watched: Watched) -> None:
    assert run(watched, '{"gpt-4o": {"a": 1}}', '{"gpt-4o": {"b": 5}}').differing == {
        "gpt-4o": {"a": {"was": 3, "now": 1}, "b": {"was": 1, "now": 5}}
    }


@pytest.mark.parametrize("bodies", [['{"a": 0, "b": 0}'], ['{"b": 0}', '{"gpt-4o": {"a": 0}}'], ['{"a": 0}']])
def test_a_route_keeps_somebody_to_choose(watched: Watched, bodies: list[str]) -> None:
    with pytest.raises(BadRequest, match=r"would choose nobody: the weights of .* would all be 0"):
        run(watched, *bodies)


def test_a_refused_change_changes_nothing(watched: Watched, tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        run(watched, '{"b": 2, "a": 0}', folder=tmp_path)
    assert not (tmp_path / weights.FILE).exists()


def test_without_a_change_it_is_the_very_profile(watched: Watched) -> None:
    made = Weights(watched)

    assert made.profile is watched.current
    assert made.differing == {}


def test_the_profile_is_made_once_until_it_or_the_weights_change(watched: Watched) -> None:
    made = run(watched, '{"b": 9}')
    first = made.profile

    assert made.profile is first
    watched.current = with_weights(watched.current, {"gpt-4o": {EVERYWHERE: {"a": 4}}})
    assert made.profile is not first
    assert differences(first, made.profile) == {"gpt-4o": {"a": {"was": 3, "now": 4}}}


def test_a_profile_that_changed_keeps_what_still_fits(
    profile: Profile, profiles: Callable[..., Profile]
) -> None:
    stated = {"gpt-4o": {EVERYWHERE: {"a": 0.0, "gone": 7.0}}, "old": {EVERYWHERE: {"a": 1.0}}}
    fewer = profiles("models: { a: demo/echo }\nroutes: { gpt-4o: [{ use: a }] }")

    assert with_weights(fewer, stated).routes == fewer.routes  # `a` is alone there: 0 would leave nobody
    assert with_weights(profile, stated).routes["gpt-4o"][0].use == {"a": 0, "b": 1}


RULES = """
models: {{ a: demo/echo, b: demo/hello }}
routes:
  r:
    - {first}
    - {{ when: {{ images: true, says: [x] }}, use: {{ a: 1, b: 1 }} }}
    - use: {{ a: 1, b: 1, demo/thinker: 1 }}
"""
FIRST = "{ when: { says: [y] }, use: { a: 1, b: 1 } }"


@pytest.fixture
def ruled(profile_file: Callable[..., Path]) -> Watched:
    return Watched(profile_file(RULES.format(first=FIRST), "rules.yaml"))


def uses(made: Weights) -> list[Mapping[str, float]]:
    return [rule.use for rule in made.profile.routes["r"]]


def test_a_weight_can_be_that_of_one_rule(ruled: Watched) -> None:
    made = run(ruled, '{"r": {"2": {"a": 5}}}')

    assert uses(made) == [{"a": 1, "b": 1}, {"a": 5, "b": 1}, {"a": 1, "b": 1, "demo/thinker": 1}]
    assert made.differing == {"r": {"2": {"a": {"was": 1, "now": 5}}}}


def test_a_name_that_one_rule_chooses_is_told_without_its_number(ruled: Watched) -> None:
    made = run(ruled, '{"r": {"3": {"demo/thinker": 2}}}')

    assert made.differing == {"r": {"demo/thinker": {"was": 1, "now": 2}}}


def test_what_is_said_of_all_rules_later_holds_in_all(ruled: Watched) -> None:
    made = run(ruled, '{"r": {"2": {"a": 5, "b": 3}}}', '{"a": 7}')

    assert [use["a"] for use in uses(made)] == [7, 7, 7]
    assert uses(made)[1]["b"] == 3


def test_in_one_body_a_rule_is_the_exception(ruled: Watched) -> None:
    made = run(ruled, '{"r": {"1": {"a": 5}, "a": 7}}')

    assert [use["a"] for use in uses(made)] == [5, 7, 7]


def test_one_rule_too_keeps_somebody_to_choose(ruled: Watched) -> None:
    with pytest.raises(BadRequest, match="would choose nobody"):
        run(ruled, '{"r": {"1": {"a": 0, "b": 0}}}')
    assert uses(run(ruled, '{"r": {"3": {"a": 0, "b": 0}}}'))[2]["demo/thinker"] == 1


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (
            RULES.format(first="{ when: { tokens_over: 9 }, use: a }\n    - " + FIRST),
            [1, 1, 5, 1],
        ),  # one more
        (RULES.replace("images: true, says: [x]", "says: [x], images: true").format(first=FIRST), [1, 5, 1]),
        (RULES.replace("[x]", "[z]").format(first=FIRST), [1, 1, 1]),  # another condition: another rule
    ],
)
def test_a_rule_is_found_again_by_its_condition(
    ruled: Watched, tmp_path: Path, written: str, found: list[float]
) -> None:
    run(ruled, '{"r": {"2": {"a": 5}}}', folder=tmp_path)
    ruled.current.path.write_text(written)

    assert [use["a"] for use in uses(Weights(Watched(ruled.current.path), tmp_path))] == found


def test_they_survive_a_restart_in_a_file_that_nobody_else_can_read(watched: Watched, tmp_path: Path) -> None:
    run(watched, '{"b": 9}', folder=tmp_path)

    assert Weights(watched, tmp_path).differing == {"gpt-4o": {"b": {"was": 1, "now": 9}}}
    assert (tmp_path / weights.FILE).stat().st_mode & 0o777 == 0o600
    assert [path.suffix for path in tmp_path.iterdir() if path.name.startswith("weights")] == [".json"]


def test_each_profile_has_its_own(watched: Watched, tmp_path: Path) -> None:
    run(watched, '{"b": 9}', folder=tmp_path)
    path = tmp_path / "second.yaml"
    path.write_text(ROUTES)
    second = Watched(path)

    assert saved(tmp_path, second.current) == {}
    run(second, '{"b": 4}', folder=tmp_path)
    assert [saved(tmp_path, each.current) for each in (watched, second)] == [
        {"gpt-4o": {EVERYWHERE: {"b": 9}}},
        {"gpt-4o": {EVERYWHERE: {"b": 4}}},
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": {"gpt-4o": {"a": "much"}}}', b"\xff"])
def test_a_broken_file_is_told_and_replaced(
    watched: Watched, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / weights.FILE).write_bytes(content)

    assert Weights(watched, tmp_path).profile is watched.current
    assert "the profile's own weights hold" in caplog.text
    run(watched, '{"b": 9}', folder=tmp_path)
    assert saved(tmp_path, watched.current) == {"gpt-4o": {EVERYWHERE: {"b": 9}}}


def test_what_cannot_be_kept_is_not_taken_on(watched: Watched, tmp_path: Path) -> None:

    made = Weights(watched, tmp_path / "missing")

    async def change() -> None:
        with pytest.raises(RequestError, match="cannot be kept in"):
            await made.change(b'{"b": 9}')

    asyncio.run(change())
    assert made.differing == {}
