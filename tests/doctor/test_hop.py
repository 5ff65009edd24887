from idetour.doctor.hop import Finding, State, broken, note, ok, skipped


def test_a_finding_is_made_by_the_name_of_its_state() -> None:
    assert [each("said").state for each in (ok, note, broken, skipped)] == list(State)
    assert broken("said", "do") == Finding(State.BROKEN, "said", "do")
