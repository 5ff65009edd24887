"""While any candidate is up, a request is answered; and who is down is not asked again and again."""

import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faults.client import MESSAGES, Asking, Heard, took
from faults.conftest import written
from idetour.gateway import attempt, cooldown, delivery, search
from idetour.profile.catalog import load
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

QUOTA = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
BUSY = {"error": {"message": "ResourceExhausted: Worker local total request limit reached (163/32)"}}
DEGRADED = {"status": 400, "title": "Bad Request", "detail": "Function id '1': DEGRADED function"}
LATER = formatdate(time.time() + 3600, usegmt=True)


@pytest.mark.parametrize(
    "refusal",
    [
        status(429),
        status(429, retry_after="60"),
        status(429, retry_after=LATER),
        status(429, retry_after_ms="60000"),
        status(429, x_ratelimit_reset="60"),
        status(400, QUOTA),
        status(403, QUOTA),
        status(429, QUOTA),
        status(402),
        status(401),
        status(403),
        status(404),
        status(410),
        status(400, DEGRADED).saying(retry_after="60"),
        status(503, BUSY),
    ],
    ids=lambda answer: f"{answer.status} {dict(answer.headers)}",
)
def test_who_refused_is_not_asked_again_at_once(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], refusal: Answer
) -> None:
    first, second = upstreams(), upstreams()
    first.always(refusal)
    asking = detour(first, second)
    asked = []
    for _ in range(3):
        assert asking.chat().text == "Hello, world"
        asked.append(len(first.requests))
    assert asked[0] == asked[-1] <= 2


@pytest.mark.parametrize(
    "fault",
    [status(500), reset_before_headers(), html(), raw_stream(b"data: [DONE]\n\n")],
    ids=["500", "reset", "html", "empty"],
)
def test_who_fails_four_times_in_a_row_is_left_alone(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], fault: Answer
) -> None:
    first, second = upstreams(), upstreams()
    first.always(fault)
    asking = detour(first, second)
    asked = []
    for _ in range(6):
        assert asking.chat().text == "Hello, world"
        asked.append(len(first.requests))
    assert asked[2] < asked[3] == asked[5]


def test_so_is_who_breaks_off_after_the_commit(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    first.always(stream("half", "way").paced(0.05).reset_after(2))
    asking = detour(first, second)
    heard = [asking.chat() for _ in range(8)]
    assert heard[0].error
    assert heard[-1].text == "Hello, world"


def test_one_model_that_fails_does_not_take_its_neighbours_down(
    serving: Callable[[Path], "Serving"], profile_file: Callable[..., Path], upstream: Upstream
) -> None:
    upstream.always(status(500), asked="bad")
    profile = f"upstreams: {{up: {{url: {upstream.url}}}}}\nroutes: {{m: [{{use: up/bad, else: [up/good]}}]}}"
    asking = Asking(serving(profile_file(profile)).url)
    assert {asking.chat().text for _ in range(6)} == {"Hello, world"}


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("empty", [raw_stream(b"data: [DONE]\n\n"), whole({"choices": []})])
def test_an_answer_with_nothing_in_it_is_none(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], empty: Answer, streams: bool
) -> None:
    first, second = upstreams(), upstreams()
    first.always(empty)
    assert detour(first, second).chat(stream=streams).text == "Hello, world"
    second.always(empty)
    heard = detour(first, second).chat(stream=streams)
    assert (heard.status, heard.error["code"]) == (502, "upstream_empty")


def test_a_sole_candidate_is_waited_for(
    detour: Callable[..., Asking], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE_SECONDS", 5)
    monkeypatch.setattr(cooldown, "LEAST_SECONDS", 0.1)
    upstream.then(status(429, retry_after_ms="200"), status(429, retry_after_ms="200"))
    heard = detour(upstream).chat()
    assert (heard.status, heard.text, len(upstream.requests)) == (200, "Hello, world", 3)
    waits = [
        later.when - sooner.when
        for sooner, later in zip(upstream.requests, upstream.requests[1:], strict=False)
    ]
    assert min(waits) >= 0.2


def test_who_refuses_for_long_is_not_waited_for(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(429, retry_after="50"))
    second.always(status(429, retry_after="40"))
    asking = detour(first, second)
    heard = [asking.chat(), asking.chat()]
    assert [each.status for each in heard] == [429, 429]
    assert all(38 <= int(each.headers["retry-after"]) <= 44 for each in heard)
    assert {each.headers["x-should-retry"] for each in heard} == {"false"}
    assert "up1 (up1/model) is left alone" in heard[1].error["message"]
    assert (len(first.requests), len(second.requests)) == (1, 1)


def test_a_sole_candidate_is_asked_whatever_its_past(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    upstream.then(*[status(500)] * 10, status(401), status(429, QUOTA))
    asking = detour(upstream)
    for _ in range(7):
        asking.chat()
    assert asking.chat().text == "Hello, world"


def test_a_hundred_requests_at_once_on_one_limited_key_are_all_answered(
    detour: Callable[..., Asking], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE_SECONDS", 30)
    monkeypatch.setattr(cooldown, "LEAST_SECONDS", 0.3)
    monkeypatch.setattr(cooldown, "SPACING_SECONDS", 0.01)
    granted: list[float] = []

    def limited(request: Request) -> Answer:
        now = time.monotonic()
        if sum(now - when < 0.3 for when in granted) >= 20:
            return status(429, retry_after_ms="300")
        granted.append(now)
        return stream("Hello", ", world")

    upstream.always(limited)
    asking = detour(upstream, first_byte=20)
    with ThreadPoolExecutor(100) as pool:
        heard = [*pool.map(lambda _: asking.chat().text, range(100))]
    assert Counter(heard) == {"Hello, world": 100}
    assert len(upstream.requests) < 500  # those that wait do not ask in vain all the time


def test_a_paced_upstream_is_never_asked_more_often_than_it_allows(
    serving: Callable[[Path], "Serving"],
    profile_file: Callable[..., Path],
    upstreams: Callable[..., Upstream],
) -> None:
    paced, other = upstreams(), upstreams()
    profile = (
        f"upstreams: {{paced: {{url: {paced.url}, pace: 5}}, other: {{url: {other.url}}}}}\n"
        "routes: {m: [{use: paced/x, else: [other/x]}]}"
    )
    asking = Asking(serving(profile_file(profile)).url)
    assert {asking.chat().text for _ in range(12)} == {"Hello, world"}
    assert len(paced.requests) == 5


def test_a_key_that_is_used_up_is_not_asked_again_because_of_a_restart(
    profile_file: Callable[..., Path], upstreams: Callable[..., Upstream], key: str, tmp_path: Path
) -> None:
    from conftest import Serving

    first, second = upstreams(), upstreams()
    first.always(status(402))
    profile = profile_file(written(first.url, second.url, first_byte=5))
    for _ in range(2):
        with Serving(profile, state=tmp_path) as serving:
            assert Asking(serving.url).chat().text == "Hello, world"
    assert (len(first.requests), len(second.requests)) == (1, 2)
    assert not any(key.encode() in path.read_bytes() for path in tmp_path.glob("rests*"))


def test_no_request_is_lost_while_upstreams_flap(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    flapping, other, good = upstreams(), upstreams(), upstreams()
    asking, over = detour(flapping, other, good, first_byte=0.5), threading.Event()

    def flap(upstream: Upstream) -> None:
        while not over.wait(random.uniform(0.02, 0.1)):
            upstream.refuse()
            over.wait(0.05)
            upstream.accept()

    with ThreadPoolExecutor(8) as pool:
        flaps = [pool.submit(flap, each) for each in (flapping, other)]
        heard = [*pool.map(lambda _: asking.chat(stream=False).text, range(60))]
        over.set()
        for each in flaps:
            each.result()
    assert Counter(heard) == {"Hello, world": 60}


def test_the_client_hears_an_error_before_it_gives_up(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    upstream.always(stall_before_headers())
    began = time.monotonic()
    heard = detour(upstream, first_byte=20).send(BODY, {"x-idetour-deadline-ms": "500"})
    assert (heard.status, heard.error["code"]) == (504, "deadline_exceeded")
    assert took(began) < 5


def test_a_silent_upstream_does_not_use_up_all_the_time_that_the_client_gives(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    silent, good = upstreams(), upstreams()
    silent.always(stall_before_headers())
    heard = detour(silent, good, first_byte=20).send(BODY, {"x-stainless-timeout": "2"})
    assert heard.text == "Hello, world"


WINDOWS = """
upstreams: {{nim: {{url: {url}, key: $CANARY_KEY}}}}
routes: {{m: [{{use: nim/{small}, else: [nim/nobody/knows, nim/{same}, nim/{large}]}}]}}
"""


def test_a_context_that_is_too_long_goes_only_to_a_window_that_is_known_to_be_larger(
    serving: Callable[[Path], "Serving"], profile_file: Callable[..., Path], upstream: Upstream, key: str
) -> None:
    by_size = defaultdict(list)
    for target, known in load().models.items():
        if target.upstream == "nim" and known.context and not known.retired:
            by_size[known.context].append(target.model)
    sizes = sorted(by_size)
    small, same, large = *by_size[sizes[0]][:2], by_size[sizes[-1]][0]
    too_long = {"error": {"message": "This model's maximum context length is exceeded"}}
    for model in (small, same, "nobody/knows"):
        upstream.always(status(400, too_long), asked=model)
    profile = WINDOWS.format(url=upstream.url, small=small, same=same, large=large)
    heard = Asking(serving(profile_file(profile)).url).chat()
    assert heard.text == "Hello, world"
    assert [request.asked for request in upstream.requests] == [small, large]


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}
EYES = """
upstreams: {{nim: {{url: {url}, key: $CANARY_KEY}}}}
routes: {{m: [{{use: nim/{blind}, else: [nim/{seeing}]}}]}}
"""


def test_an_image_goes_to_a_model_that_sees_although_a_blind_one_comes_first(
    serving: Callable[[Path], "Serving"], profile_file: Callable[..., Path], upstream: Upstream, key: str
) -> None:
    nim = [known for target, known in load().models.items() if target.upstream == "nim" and not known.retired]
    blind, seeing = (next(each.target.model for each in nim if each.images is sees) for sees in (False, True))
    asking = Asking(serving(profile_file(EYES.format(url=upstream.url, blind=blind, seeing=seeing))).url)
    shown = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, PICTURE]}]
    assert (asking.chat(messages=shown).text, asking.chat().text) == ("Hello, world", "Hello, world")
    assert [request.asked for request in upstream.requests] == [seeing, blind]


BODY = json.dumps({"model": "m", "messages": MESSAGES, "stream": True}).encode()


# Whatever happens, one whole answer or one error.

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
