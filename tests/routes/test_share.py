from idetour.routes import share
from routes.asking import CALL, RESULT, asks

MANY = [asks(f"task {number}") for number in range(1000)]


def test_a_share_of_the_conversations_and_always_the_same_ones() -> None:
    few = {number for number, asked in enumerate(MANY) if share.judge(0.1, asked).holds}
    more = {number for number, asked in enumerate(MANY) if share.judge(0.5, asked).holds}

    assert 60 < len(few) < 140
    assert 430 < len(more) < 570
    assert few < more


def test_all_and_none() -> None:
    assert all(share.judge(1, asked).holds for asked in MANY)
    assert not any(share.judge(0, asked).holds for asked in MANY)


def test_every_turn_of_a_conversation_falls_on_the_same_side() -> None:
    for number in range(50):
        first, later = asks(f"task {number}"), asks(f"task {number}", CALL, RESULT, "go on")
        assert share.judge(0.5, first) == share.judge(0.5, later)
