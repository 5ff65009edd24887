from idetour.routes.recent import Recent


def test_what_was_not_used_for_longest_goes_first() -> None:
    recent: Recent[str, int] = Recent(2, 10)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.get("a")
    recent.put("c", 3)

    assert (recent.get("a"), recent.get("b"), recent.get("c"), len(recent)) == (1, None, 3, 2)


def test_nothing_stays_for_ever() -> None:
    now = 0.0
    recent: Recent[str, int] = Recent(2, 10, clock=lambda: now)
    recent.put("a", 1)
    now = 9.0
    assert recent.get("a") == 1
    now = 11.0
    assert recent.get("a") is None
    assert len(recent) == 0
