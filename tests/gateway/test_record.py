from hypothesis import given
from hypothesis import strategies as st

from idetour.gateway.record import Record, shown
from idetour.profile import Target
from idetour.wire.usage import Usage

TARGET = Target("up", "model")


def test_a_line_has_who_asked_whom_tokens_and_times() -> None:
    record = Record(asked="gpt-4o", door="direct")
    record.attempt(Target("first", "x"), "429 rate_limit_exceeded")
    record.answered(TARGET, stream=True)
    record.usage = Usage(prompt=1234, completion=56, total=1290)
    record.end("ok")
    record.first_token, record.total = 0.4321, 2.34
    assert record.line() == (
        "gpt-4o → up/model · after first/x (429 rate_limit_exceeded)"
        " · tokens in 1,234 out 56 total 1,290 · first token 432 ms · 2.3 s"
    )


def test_a_failure_says_its_status_and_why() -> None:
    record = Record(asked="m", door="direct")
    record.end("failed", status=503, error="nobody is there")
    assert record.line().endswith("failed 503: nobody is there")
    assert record.line().startswith("m → nobody")


def test_who_left_is_told_and_the_first_end_counts() -> None:
    record = Record(asked="m", door="direct")
    record.end("left")
    record.end("ok")
    assert (record.outcome, record.line().endswith("the client left")) == ("left", True)


@given(st.text(), st.text(), st.text(), st.text())
def test_nothing_that_others_say_breaks_the_line(asked: str, model: str, ended: str, error: str) -> None:
    record = Record(asked=f"\x1b[31m{asked}\n", door="direct")
    record.attempt(Target("up", model), f"500 {ended}")
    record.answered(Target("up", f"\x1b]0;{model}\x07"), stream=False)
    record.end("broken", status=502, error=f"{error}\r\nforged line\u2028\u202e")
    assert record.line().isprintable()


def test_nothing_that_others_say_is_kept_at_any_length() -> None:
    record = Record(asked="a" * 10_000_000, door="direct")
    for _ in range(10):
        record.attempt(TARGET, "e" * 10_000)
    record.end("failed", status=500, error="x" * 10_000_000)
    assert len(record.line()) < 4100
    assert len(record.asked) + len(record.error or "") + sum(len(each.ended) for each in record.tried) < 2200


def test_text_that_is_plain_stays_as_it_is() -> None:
    assert shown("模型 → “x” · …") == "模型 → “x” · …"


def test_a_record_tells_requests_apart() -> None:
    ids = {Record(asked="m", door="direct").id for _ in range(100)}
    assert len(ids) == 100


def test_all_changes_are_told_once_those_of_the_request_with_their_reasons() -> None:
    record = Record(asked="m", door="direct")
    record.changed = ["seed dropped", "reasoning put back", "a tool call mended"]
    record.fitted = ["top_p 0.8 added (catalog: with)", "reasoning put back", "seed dropped (learned)"]
    assert record.changes() == (*record.fitted, "a tool call mended")
