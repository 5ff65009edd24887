import pytest

from idetour.routes import tools
from routes.asking import asks


@pytest.mark.parametrize("said", [True, False])
def test_whether_tools_may_be_called(said: bool) -> None:
    assert tools.judge(said, asks("a", tools=("read",))).holds is said
    assert tools.judge(said, asks("a")).holds is not said
    assert tools.judge(said, asks("a", tools=())).holds is not said


def test_one_of_the_names_is_enough() -> None:
    asked = asks("a", tools=("read", "browser_click"))

    assert tools.judge(["run", "browser_click"], asked).why == "browser_click is there"
    assert not tools.judge(["run", "browser"], asked).holds
