from pathlib import Path

from idetour.profile.problem import Problem, ProfileError, near

HERE = Path("team.yaml")


def test_the_caret_stands_below_the_column_without_the_indentation() -> None:
    problem = Problem(path=HERE, line=3, column=9, message="wrong", source_line="    to: nmi/x", hint="hm?")

    assert str(problem) == "team.yaml:3:9: wrong\n    to: nmi/x\n        ^ hm?"


def test_the_caret_counts_a_chinese_character_twice() -> None:
    problem = Problem(path=HERE, line=1, column=5, message="wrong", source_line="重构: x")

    assert str(problem).splitlines()[2] == " " * 4 + " " * 6 + "^"


def test_a_problem_of_the_whole_file_has_no_line() -> None:
    assert str(Problem(path=HERE, message="the file is empty", hint="add")) == (
        "team.yaml: the file is empty\n    add"
    )


def test_problems_come_in_the_order_of_the_file_and_once() -> None:
    second = Problem(path=HERE, line=2, column=1, message="b")
    first = Problem(path=HERE, line=1, column=7, message="a")

    assert ProfileError([second, first, second]).problems == (first, second)


def test_only_a_near_word_is_offered() -> None:
    assert near("thniker", ["coder", "thinker"]) == "did you mean 'thinker'?"
    assert near("xyzzy", ["coder", "thinker"]) == ""
