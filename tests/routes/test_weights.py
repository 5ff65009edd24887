"""Who comes first, how often, and always the same for the same conversation."""

import hashlib
import random
from collections import Counter
from functools import partial

from idetour.routes.weights import order

WEIGHTS = {"coder": 3.0, "thinker": 1.0, "never": 0.0}


def by_hash(conversation: str, name: str) -> float:
    digest = hashlib.sha256(f"{conversation} {name}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def test_each_comes_first_as_often_as_its_weight_says() -> None:
    dice = random.Random(7)
    first = Counter(order(WEIGHTS, lambda _: dice.random())[0] for _ in range(4000))

    assert 2850 < first["coder"] < 3150
    assert first["coder"] + first["thinker"] == 4000


def test_hashes_share_out_as_well_as_dice() -> None:
    first = Counter(order(WEIGHTS, partial(by_hash, str(at)))[0] for at in range(4000))

    assert 2850 < first["coder"] < 3150


def test_the_others_follow_as_replacements() -> None:
    assert sorted(order(WEIGHTS, lambda _: 0.5)) == ["coder", "thinker"]


def test_no_weight_is_never_chosen() -> None:
    assert order({"off": 0}, lambda _: 0.5) == []


def test_a_conversation_always_makes_the_same_choice() -> None:
    choices = {tuple(order(WEIGHTS, partial(by_hash, "one"))) for _ in range(20)}

    assert len(choices) == 1


def test_who_loses_a_rival_keeps_its_other_conversations() -> None:
    """The point of rendezvous hashing: taking one name away moves only what that name had."""
    for conversation in map(str, range(200)):
        whole = order({"a": 1, "b": 1, "c": 1}, partial(by_hash, conversation))
        without = order({"a": 1, "b": 1}, partial(by_hash, conversation))

        assert without == [name for name in whole if name != "c"]


def test_extreme_numbers_are_orders_too() -> None:
    assert order({"a": 1e-300, "b": 1e300}, lambda _: 0.999999) == ["b", "a"]
    assert order({"a": 1, "b": 1}, lambda _: 0.0) == ["a", "b"]
