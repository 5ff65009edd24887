"""Words that the user says."""

import pytest

from idetour.profile import pattern
from idetour.routes import says
from routes.asking import RESULT, asks


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("refactor", "please Refactor this"),
        ("refactor", "帮我refactor一下"),
        ("unit test", "write a unit\n  test"),
        ("c++", "in C++, please"),
        ("重构", "请重构这个模块"),
        ("报错", "为什么报错？"),
        ("bug", "修一下这个bug"),
        ("/refactor\\w*/", "refactoring"),
        ("/重构|优化/", "优化一下"),
        ("/^(please )?fix/", "Fix the build"),
        ("/v[0-9]+$/", "first line v1\nsecond"),
    ],
)
def test_what_is_said_is_found(phrase: str, text: str) -> None:
    assert says.judge([phrase], asks(text)).holds


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("refactor", "refactoring"),
        ("bug", "debugger"),
        ("test", "latest_test"),
        ("重构", "结构"),
        ("/fix/", "a.b"),
    ],
)
def test_a_part_of_another_word_is_not_said(phrase: str, text: str) -> None:
    assert not says.judge([phrase], asks(text)).holds


def test_one_of_several_is_enough_and_is_named() -> None:
    assert says.judge(["debug", "/报.错?/"], asks("它报了错")).why == "'报了错' is said, by /报.错?/"
    assert says.judge(["debug", "fix"], asks("FIX it")).why == "'FIX' is said"


def test_neither_the_system_prompt_nor_a_tools_result_is_listened_to() -> None:
    system = {"role": "system", "content": "You debug. 报错"}

    assert not says.judge(["debug", "bug", "报错"], asks(system, "go on", RESULT)).holds


def test_an_old_question_is_not_the_newest() -> None:
    assert not says.judge(
        ["debug"], asks("debug this", {"role": "assistant", "content": "debug"}, "thanks")
    ).holds


def test_a_hostile_text_of_100_kb_is_searched_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    phrase, real, lengths = "x.*a.*b", pattern.steps, list[int]()
    pattern.read(phrase)

    def steps(text: str, length: int) -> float:
        lengths.append(length)
        return real(text, length)

    monkeypatch.setattr(pattern, "steps", steps)

    assert not says.judge([f"/{phrase}/"], asks("xa" * 50_000)).holds
    assert sum(real(phrase, length) for length in lengths[:-1]) <= pattern.STEPS  # it stopped at the last one
    assert lengths
