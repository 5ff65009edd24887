from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from idetour.doctor import Road, clock
from idetour.doctor import upstream as hop
from idetour.doctor.clock import ahead, judged
from upstream import Upstream, status

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_date_header_tells_how_far_ahead_we_are() -> None:
    assert ahead("Fri, 20 Nov 2026 12:00:00 GMT", NOON + timedelta(minutes=10)) == 600
    assert ahead("", NOON) is None
    assert ahead("yesterday", NOON) is None


def test_five_minutes_are_borne() -> None:
    assert judged("NIM", -300).state == "ok"
    assert judged("NIM", 301).text == "This machine's clock is 5 minutes fast, if NIM is right"
    assert judged("NIM", -7200).text == "This machine's clock is 120 minutes slow, if NIM is right"


def test_the_upstreams_own_answer_tells_the_time(road: Callable[..., Road], upstream: Upstream) -> None:
    upstream.always(status(404).saying(Date="Fri, 20 Nov 2020 12:00:00 GMT"), asked="/v1/models")
    made = road(f"upstreams: {{up: {{url: '{upstream.url}'}}}}\nmodels: {{m: up/x}}")
    list(hop.HOP.look(made))

    [finding] = clock.HOP.look(made)
    assert finding.state == "broken"
    assert "minutes fast" in finding.text


def test_with_nobody_asked_there_is_no_time(road: Callable[..., Road]) -> None:
    assert [finding.state for finding in clock.HOP.look(road())] == ["skipped"]
