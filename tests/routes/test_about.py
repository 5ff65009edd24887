"""What the user wants, and whom to ask about it in which order."""

import asyncio
from dataclasses import dataclass, field

import pytest

from idetour.routes import about
from idetour.routes.asked import Verdict
from idetour.routes.guess import Declined, Examples, Guess
from idetour.routes.lexical import Lexical
from routes.asking import RESULT, asks


@dataclass
class Sure:
    """A model that has one answer, or none."""

    label: str | None = None
    asked: list[str] = field(default_factory=list)

    async def guess(self, text: str, own: Examples) -> Guess:
        self.asked.append(text)
        if self.label is None:
            raise Declined("the model sleeps")
        return Guess("model", self.label, 1, 1, f"model: {self.label}")


def judged(said: Examples, text: str, *models: Sure) -> Verdict:
    return asyncio.run(about.judge(said, asks(text), [*models, Lexical()]))


@pytest.mark.parametrize("text", ["why does it crash?", "为什么会崩溃？"])
def test_one_of_the_labels_is_enough(text: str) -> None:
    assert judged({"refactor": [], "debug": []}, text).holds
    assert not judged({"refactor": [], "docs": []}, text).holds


def test_the_reason_has_score_margin_and_runner_up() -> None:
    assert judged({"debug": []}, "debug it").why == "words: debug 3.00, 3.00 ahead of refactor"


def test_where_words_are_sure_no_model_is_asked() -> None:
    model = Sure("chat")

    assert judged({"debug": []}, "debug it", model).holds
    assert model.asked == []


def test_where_words_are_silent_a_model_may_know() -> None:
    assert judged({"debug": []}, "qwertz", Sure("debug")).holds
    assert judged({"debug": []}, "qwertz").why == "words: debug 0.00, 0.00 ahead of refactor: not sure"


def test_for_labels_of_ones_own_the_model_comes_first() -> None:
    own = {"sql": ["join two tables"]}

    assert judged(own, "qwertz", Sure("sql")).holds
    assert not judged(own, "join two tables", Sure("write_code")).holds


def test_a_model_that_sleeps_is_passed_over_and_named() -> None:
    own = {"sql": ["join two tables"]}

    assert judged(own, "join two tables please", Sure()).holds
    assert judged(own, "qwertz", Sure()).why.startswith("the model sleeps; likeness: ")


def test_a_built_in_label_with_examples_goes_by_both() -> None:
    said = {"debug": ["it is on fire"]}

    assert judged(said, "it crashes").holds
    assert judged(said, "it is on fire again").holds


def test_the_user_has_to_say_something() -> None:
    asked = asks({"role": "system", "content": "debug"}, RESULT)

    assert asyncio.run(about.judge({"debug": []}, asked, [Lexical()])) == Verdict(
        False, "the user says nothing"
    )


def test_code_between_fences_is_not_what_is_wanted() -> None:
    text = "refactor this\n```python\nraise CrashError('bug')  # debug traceback error\n```\n"

    assert about.brief(text).strip() == "refactor this"
    assert judged({"refactor": []}, text).holds
    assert about.brief("```\nonly code\n```") == "```\nonly code\n```"


def test_of_a_long_text_no_more_than_both_ends_is_read() -> None:
    model = Sure("debug")
    judged({"sql": ["a"]}, "start " + "x" * 15_000 + " end", model)

    assert len(model.asked[0]) <= about.LONGEST + 1
    assert model.asked[0].startswith("start")
    assert model.asked[0].endswith("end")
