"""From a plan to tries."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.trying import candidate, trying
from idetour.gateway.tries import Refused, Try, affinity, at_most, fitting, foreseen, tries
from idetour.profile import Target, Upstream
from idetour.profile.credential import Key
from idetour.routes.asked import Asked
from idetour.routes.plan import Candidate, Plan
from idetour.secret import Secret
from idetour.wire import chat

KEYS = tuple(Secret(f"sk-key-number-{number}") for number in range(3))


def asked(said: str = "hi", **fields: Any) -> Asked:
    body = {"model": "m", "messages": [{"role": "user", "content": said}], **fields}
    return Asked(request=chat.read(json.dumps(body).encode()))


def planned(**upstream: Any) -> Plan:
    place = Upstream(name="a", title="A", url="https://a.example/v1", **upstream)
    each = Candidate(target=candidate("a/x").target, upstream=place)
    return Plan(asked="m", why="", candidates=(each,))


def found(plan: Plan, typed: Secret | None = None, said: str = "hi") -> list[Try | Refused]:
    return [*tries(plan, typed, uniform=affinity(asked(said)), identify=lambda key: key.reveal())]


def keys(said: str) -> list[str]:
    return [each.id for each in found(planned(keys=KEYS), said=said) if isinstance(each, Try)]


def test_each_key_is_a_try_of_its_own() -> None:
    assert sorted(keys("hi")) == [key.reveal() for key in KEYS]


def test_a_conversation_keeps_its_key() -> None:
    assert keys("hi") == keys("hi")


def test_conversations_share_the_keys_evenly() -> None:
    first = Counter(keys(f"conversation {number}")[0] for number in range(300))
    assert len(first) == 3
    assert min(first.values()) > 60


def test_accounts_stand_beside_keys() -> None:
    added = Key(id="added", value=Secret("sk-added"), name="work", kind="added", weight=1e6)
    [first, *_] = found(planned(keys=KEYS, accounts=(added,)))
    assert isinstance(first, Try)
    assert first.id == "added"
    assert first.candidate.upstream.url == "https://a.example/v1"


def test_an_account_is_asked_at_its_own_address() -> None:
    login = Key(id="login", value=KEYS[0], kind="login", url="https://b.example/v1")
    (each,) = found(planned(accounts=(login,)))
    assert each.candidate.upstream.url == "https://b.example/v1"


def test_an_account_in_trouble_is_passed_over_and_named_where_there_is_no_other() -> None:
    lost = Key(id="lost", value=KEYS[0], name="work", kind="login", trouble="Log in again.")
    assert [each.id for each in found(planned(keys=KEYS[:1], accounts=(lost,))) if isinstance(each, Try)] == [
        KEYS[0].reveal()
    ]
    (refused,) = found(planned(accounts=(lost,)))
    assert isinstance(refused, Refused)
    assert refused.error.message == "A, account work: Log in again."


def test_when_a_key_goes_the_others_keep_their_conversations() -> None:
    for number in range(50):
        said = f"conversation {number}"
        fewer = planned(keys=KEYS[1:])
        left = [each.id for each in found(fewer, said=said) if isinstance(each, Try)]
        assert left == [key for key in keys(said) if key != KEYS[0].reveal()]


def test_messages_that_cannot_be_read_have_no_conversation_and_are_no_error() -> None:
    request = chat.read(b'{"model": "m", "messages": ["hi"]}')
    assert 0 <= affinity(Asked(request=request))("name") < 1


@given(st.text(), st.text())
def test_affinity_is_a_number_from_zero_to_below_one(said: str, name: str) -> None:
    assert 0 <= affinity(asked(said))(name) < 1


@pytest.mark.parametrize(
    ("upstream", "typed", "said"),
    [
        ({"client_key": True}, None, "typed in the IDE"),
        ({"needs_key": True, "key_names": ("NAME",)}, None, "set NAME in the environment"),
        ({"needs_key": True}, None, "write `key: $NAME`"),
        ({"login": "qwen"}, None, "idetour login qwen"),
    ],
)
def test_who_cannot_be_asked_says_why(upstream: dict[str, Any], typed: Secret | None, said: str) -> None:
    (refused,) = found(planned(**upstream), typed)
    assert isinstance(refused, Refused)
    assert said in refused.error.message


def test_the_key_that_was_typed_goes_where_the_profile_says() -> None:
    (each,) = found(planned(client_key=True), KEYS[0])
    assert isinstance(each, Try)
    assert each.credential is not None
    assert (each.credential.kind, each.credential.mark) == ("typed", str(KEYS[0]))


@pytest.mark.parametrize(
    ("windows", "tokens", "order"),
    [
        ([None, None], 50_000, [0, 1]),
        ([8_000, 200_000], 100, [0, 1]),
        ([8_000, 200_000], 50_000, [1, 0]),
        ([8_000, None, 200_000], 50_000, [1, 2, 0]),
        ([8_000, None], 50_000, [0, 1]),  # nobody is known to be larger
        ([8_000, 16_000], 50_000, [0, 1]),  # nobody is large enough
        ([40_000, 200_000], 50_000, [0, 1]),  # a little too small, by an estimate
    ],
)
def test_a_window_that_is_clearly_too_small_comes_behind_those_that_fit(
    windows: list[int | None], tokens: int, order: list[int]
) -> None:
    listed = [trying(f"a/{number}", window=window) for number, window in enumerate(windows)]
    assert fitting(listed, asked("word " * tokens)) == [listed[place] for place in order]


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}


@pytest.mark.parametrize(
    ("eyes", "order"),
    [
        ([True, False], [0, 1]),
        ([False, True], [1, 0]),
        ([False, None], [1, 0]),
        ([None, True], [0, 1]),  # who is unknown may see
        ([False, None, False, True], [1, 3, 0, 2]),
        ([False, False], [0, 1]),
        ([False], [0]),  # a sole candidate is asked
    ],
)
def test_who_sees_no_images_comes_behind_the_others_where_there_are_some(
    eyes: list[bool | None], order: list[int]
) -> None:
    listed = [trying(f"a/{number}", images=sees) for number, sees in enumerate(eyes)]
    shown = asked(messages=[{"role": "user", "content": [PICTURE]}])
    assert fitting(listed, shown) == [listed[place] for place in order]
    assert fitting(listed, asked()) == listed


@pytest.mark.parametrize("eyes", [[False], [False, False], [None, True], [True, True]])
def test_nobody_looks_for_images_where_it_changes_nothing(eyes: list[bool | None]) -> None:
    shown = asked(messages=[{"role": "user", "content": [PICTURE]}])
    fitting([trying(f"a/{number}", images=sees) for number, sees in enumerate(eyes)], shown)
    assert "images" not in vars(shown)


def test_a_blind_model_comes_behind_one_whose_window_is_too_small() -> None:
    blind, small = trying("a/blind", images=False, window=200_000), trying("a/small", window=8_000)
    large = trying("a/large", window=200_000)
    long = [{"role": "user", "content": [PICTURE, {"type": "text", "text": "word " * 50_000}]}]
    assert fitting([blind, small, large], asked(messages=long)) == [large, small, blind]


def test_messages_that_cannot_be_read_change_no_order() -> None:
    listed = [trying("a/blind", images=False), trying("a/seeing", images=True)]
    assert fitting(listed, asked(messages=["hi"])) == listed


def test_at_most_so_many_and_each_target_among_them() -> None:
    many = [trying("a/x", str(number)) for number in range(9)] + [trying("b/x"), trying("c/x")]
    kept = [*at_most(many, 5)]
    assert [str(each.candidate.target) for each in kept] == ["a/x", "a/x", "a/x", "b/x", "c/x"]


def test_of_more_targets_than_that_the_first_are_kept_with_one_key_each() -> None:
    many = [trying(f"{name}/x", key) for name in "abcdefg" for key in ("one", "two")]
    assert [(each.candidate.target.upstream, each.id) for each in at_most(many, 5)] == [
        (name, "one") for name in "abcde"
    ]


def test_who_sees_is_foreseen_though_five_blind_ones_stand_before_it() -> None:
    blind = [candidate(f"{name}/blind", images=False) for name in "abcdef"]
    plan = Plan(asked="m", why="", candidates=(*blind, candidate("g/seeing", images=True)))
    shown = asked(messages=[{"role": "user", "content": [PICTURE]}])
    assert [each.target.upstream for each in foreseen(plan, shown)] == [*"gabcd"]


def test_those_without_a_key_are_named_and_do_not_count() -> None:
    locked = [replace(candidate(f"{name}/x").upstream, needs_key=True) for name in "abcdef"]
    mute = tuple(Candidate(target=Target.parse(f"{each.name}/x"), upstream=each) for each in locked)
    able = tuple(candidate(f"{name}/x") for name in "ghijkl")
    plan = Plan(asked="m", why="", candidates=(*mute, *able))
    assert [each.target.upstream for each in foreseen(plan, asked())] == [*"abcdefghijk"]
