from idetour.doctor.handshakes import judged

TOLD = {
    "at": 1000.0,
    "said": "java (pid 7) came for api.openai.com …",
    "remedy": "idetour cert install --store java",
}


def test_a_program_that_turned_away_just_now_is_broken_with_its_remedy() -> None:
    [finding] = judged({"handshakes": 1, "refusals": [TOLD]}, now=1030)

    assert finding.state == "broken"
    assert finding.text.endswith("java (pid 7) came for api.openai.com …")
    assert finding.remedy == TOLD["remedy"]


def test_what_was_long_ago_is_a_note_and_the_newest_comes_first() -> None:
    later = {**TOLD, "at": 5000.0, "said": "later"}
    findings = list(judged({"handshakes": 2, "refusals": [TOLD, later]}, now=5010))

    assert [finding.state for finding in findings] == ["broken", "note"]
    assert findings[0].text.endswith("later")


def test_none_is_well_and_not_told_is_skipped() -> None:
    assert [each.state for each in judged({"handshakes": 0, "refusals": []}, now=0)] == ["ok"]
    assert [each.state for each in judged({}, now=0)] == ["skipped"]
