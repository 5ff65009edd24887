from collections.abc import Callable

from idetour.doctor import Road, stream
from upstream import Upstream, stall_before_headers, think, until
from upstream import stream as streamed

type Led = Callable[..., Road]


def test_the_first_word_is_enough_and_the_rest_is_not_paid_for(led: Led, upstream: Upstream) -> None:
    upstream.then(streamed("Hel", *["lo"] * 50).stall_after(3))
    [finding] = stream.HOP.look(led())

    assert finding.state == "ok"
    assert finding.text.startswith("m: the stream begins after ")
    assert until(lambda: upstream.requests[0].aborted)


def test_a_thought_is_a_beginning(led: Led, upstream: Upstream) -> None:
    upstream.then(streamed(think("hm"), "hello"))

    assert [finding.state for finding in stream.HOP.look(led())] == ["ok"]


def test_a_stream_that_never_starts_is_broken(led: Led, upstream: Upstream) -> None:
    upstream.always(stall_before_headers())
    [finding] = stream.HOP.look(led(patience=0.5))

    assert (finding.state, finding.text) == (
        "broken",
        "m: the stream does not begin: no first word within 0.5 s",
    )


def test_the_demo_is_called_what_it_is(led: Led) -> None:
    [finding] = stream.HOP.look(led(model="demo/hello"))

    assert finding.state == "note"
    assert "no AI" in finding.text
