import pytest

from idetour.wire.edits import Edits, counted
from wire.edited import OFFERED


@pytest.mark.parametrize(
    ("edits", "editors"),
    [
        (Edits(), []),
        (Edits(offered={}), []),
        (
            Edits(think="opened", offered=OFFERED, cumulative=True),
            ["Cumulative", "Think", "Repair", "Thoughts"],
        ),
    ],
)
def test_an_answer_gets_the_editors_that_its_model_needs(edits: Edits, editors: list[str]) -> None:
    assert [type(editor).__name__ for editor in edits.editors()] == editors


def test_calls_are_counted_in_words() -> None:
    assert (counted(1), counted(2)) == ("1 tool call", "2 tool calls")
