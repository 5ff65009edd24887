"""Whatever happens, one whole answer or one error."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faults.client import Asking, Heard
from faults.refusals import BUSY, DEGRADED, QUOTA
from idetour.gateway import attempt, delivery
from idetour.upstreams import asking
from upstream import (
    Act,
    Answer,
    Request,
    Upstream,
    event,
    html,
    raw,
    raw_stream,
    reply,
    reset_before_headers,
    stall_before_headers,
    status,
    stream,
    whole,
)

if TYPE_CHECKING:
    from conftest import Serving

TEXT = ("Hel", "lo, ", "world")
GOOD = reply(*TEXT)
FAULTS: dict[str, Answer | Callable[[Request], Answer]] = {
    "good": GOOD,
    "late": stream(*TEXT).late(0.05),
    "bytes": stream(*TEXT).split(3).lines(b"\r\n"),
    "whole": whole("".join(TEXT)),
    "429": status(429),
    "429 stated": status(429, retry_after="50"),
    "quota": status(403, QUOTA),
    "401": status(401),
    "404": status(404),
    "degraded": status(400, DEGRADED),
    "500": status(500),
    "busy": status(503, BUSY),
    "html": html(),
    "no choices": whole({"choices": []}),
    "only DONE": raw_stream(b"data: [DONE]\n\n"),
    "not HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n", Act.FIN),
    "reset": reset_before_headers(),
    "silent": stall_before_headers(),
    **{f"reset after {n}": stream(*TEXT).reset_after(n) for n in range(5)},
    **{f"closed after {n}": stream(*TEXT).fin_after(n) for n in range(5)},
    **{f"cut after {n}": stream(*TEXT).ends_after(n) for n in range(4)},
    **{f"stalls after {n}": stream(*TEXT).stall_after(n) for n in (0, 1, 2)},
    "error at once": raw_stream(event({"error": {"message": "no", "code": 503}})),
    **{
        f"error after {n}": stream(*TEXT).then_sends(n, event({"error": {"message": "no"}}))
        for n in (1, 2, 3)
    },
}
SURE = ("good", "late", "bytes", "whole")
MAY_COMMIT = [name for name in FAULTS if " after " in name]


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Upstream], "Serving"]]:
    """Four upstreams, and a route over the first one, two, three and four of them."""
    from conftest import Serving

    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(attempt, "IDLE_SECONDS", 0.2)
        patch.setattr(delivery, "IDLE_SECONDS", 0.2)
        patch.setattr(delivery, "KEEP_ALIVE_SECONDS", 0.1)
        patch.setattr(asking, "WHOLE_SECONDS", 0.3)
        places = [stack.enter_context(Upstream()) for _ in range(4)]
        lines = ["upstreams:"]
        lines += [f"  u{n}: {{url: {each.url}, first_byte: 0.2}}" for n, each in enumerate(places)]
        names = [f"u{n}/x" for n in range(4)]
        routes = [f"  m{n}: [{{use: u0/x, else: [{', '.join(names[1:n])}]}}]" for n in range(1, 5)]
        profile = tmp_path_factory.mktemp("four") / "profile.yaml"
        profile.write_text("\n".join([*lines, "routes:", *routes]), encoding="utf-8")
        yield places, stack.enter_context(Serving(profile))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=4), st.booleans())
def test_whatever_happens_the_client_gets_one_whole_answer_or_one_error(
    four: tuple[list[Upstream], "Serving"], faults: list[str], streams: bool
) -> None:
    places, serving = four
    for number, (place, fault) in enumerate(zip(places, faults, strict=False)):
        place.always(FAULTS[fault])
        serving.gateway.pipeline.health.clear(f"u{number}")
    heard = Asking(serving.url).chat(f"m{len(faults)}", stream=streams)
    outcome = judged(heard)
    assert outcome in ("answered", "error", "broken")
    if any(fault in SURE for fault in faults) and not (streams and set(faults) & set(MAY_COMMIT)):
        assert outcome == "answered"
    assert heard.cut is None


def judged(heard: Heard) -> str:
    """What was heard, if it was exactly one thing."""
    if heard.status != 200:
        return "error" if not heard.streamed and heard.error else "an error that says nothing"
    text = "".join(TEXT)
    if heard.error:
        errors = [each for each in heard.events if "error" in each]
        one = len(errors) == 1 and not heard.done and text.startswith(heard.text)
        return "broken" if one else "more than an error"
    done = heard.body.count(b"data: [DONE]") == 1 if heard.streamed else True
    return "answered" if heard.text == text and done else "cut or doubled"
