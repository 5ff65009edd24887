from typing import Any

from idetour.wire.edits import Edits
from wire.edited import told


def cumulated(*said: Any) -> dict[str, Any]:
    return told(*said, edits=Edits(cumulative=True))


def test_of_a_text_that_is_told_again_only_what_is_new_goes_on() -> None:
    assert cumulated("Hel", "Hello", "Hello", 'Hello "é"')["content"] == 'Hello "é"'


def test_reasoning_is_told_again_beside_it() -> None:
    said = cumulated({"reasoning_content": "a"}, {"reasoning_content": "ab", "content": "x"}, "xy")

    assert (said["reasoning_content"], said["content"]) == ("ab", "xy")


def test_a_text_that_does_not_go_on_passes_as_it_is() -> None:
    assert cumulated("Hello", " world")["content"] == "Hello world"


def test_what_is_told_again_may_hold_a_thought() -> None:
    said = told("<thi", "<think>a</think>", "<think>a</think>b", edits=Edits(cumulative=True, think="inline"))

    assert said == {"reasoning_content": "a", "content": "b", "finish": "stop"}
