from idetour.routes.guess import best


def test_the_highest_score_wins_with_its_margin() -> None:
    guess = best("words", {"debug": 3.0, "tests": 5.0}, least=1, margin=1)

    assert (guess.label, guess.score, guess.margin) == ("tests", 5.0, 2.0)
    assert str(guess) == "words: tests 5.00, 2.00 ahead of debug"


def test_a_low_score_or_a_close_second_is_not_sure() -> None:
    assert best("words", {"debug": 0.5}, least=1, margin=0.1).label is None
    assert best("words", {"debug": 3.0, "tests": 2.9}, least=1, margin=0.2).label is None
    assert str(best("words", {}, least=1, margin=1)).endswith("not sure")
