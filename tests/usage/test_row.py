"""What a row is made of, as JSON: nothing that was said, and None where nothing is known."""

import msgspec

from idetour.usage.row import Attempt, Row


def test_what_is_not_known_is_null_and_never_0() -> None:
    told = msgspec.json.decode(msgspec.json.encode(Row(id="req_1", began=1.0, asked="m")))

    unknown = {"target", "error", "tokens", "counted", "estimate", "first_token", "total", "cost", "currency"}
    assert {name for name, value in told.items() if value is None} == unknown


def test_an_attempt_without_an_answer_has_no_status() -> None:
    assert Attempt(n=1, target="up/m", began=0.0, ended=1.0, outcome="failed").status is None
