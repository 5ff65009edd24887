from idetour.routes import tokens_under
from routes.asking import asks


def test_a_request_is_under_what_it_does_not_reach() -> None:
    assert tokens_under.judge(100, asks("重构一下")).holds
    assert not tokens_under.judge(100, asks("重构一下" * 100)).holds


def test_tools_count_too() -> None:
    assert not tokens_under.judge(100, asks("hi", tools=tuple(f"tool_{n}" for n in range(20)))).holds
