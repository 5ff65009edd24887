"""How a conversation is laid out."""

import pytest

from idetour.proxy.page import MOST_TEXT, Turn, cut, fold, plain, spent, wrapped
from idetour.proxy.parts import Part
from idetour.wire.usage import Usage


def test_prose_is_broken_between_words() -> None:
    assert list(wrapped(["the quick brown fox", "", "x"], 10)) == ["the quick", "brown fox", "", "x"]


def test_a_word_that_is_longer_than_a_line_is_broken_anywhere() -> None:
    assert list(wrapped(["aaaaabbbbbcc"], 5)) == ["aaaaa", "bbbbb", "cc"]


def test_characters_that_are_wide_take_two_columns() -> None:
    assert list(wrapped(["你好世界", "ab你好"], 4)) == ["你好", "世界", "ab你", "好"]


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_line_too_narrow_for_anything_still_ends(width: int) -> None:
    assert "".join(wrapped(["你好 ab 世"], width)).replace(" ", "") == "你好ab世"


def test_what_is_cut_is_counted() -> None:
    assert list(cut("x" * (MOST_TEXT + 7), folded=False)) == ["x" * MOST_TEXT, "… 7 more characters"]
    assert list(cut("short", folded=True)) == ["short"]


def test_the_system_prompt_is_folded_even_where_it_is_new() -> None:
    turns = fold([Turn("developer", [Part("text", "be good")]), Turn("user", [Part("text", "hi")])])
    assert [each.folded for each in turns] == [True, False]


def test_what_a_cache_gave_is_part_of_the_input() -> None:
    said = {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 90,
    }
    assert spent(Usage(prompt=10, completion=5), said) == "tokens 1,100 in (1,000 cached), 5 out"


def test_what_is_no_conversation_is_shown_so_far_and_its_size_said() -> None:
    shown = plain(b"x" * 30_000, ValueError("This is nothing"))
    assert shown.startswith("This is nothing.\n\nxxx")
    assert shown.endswith("x\n… 10 kB more")
