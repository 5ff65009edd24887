"""The product as people start it: it answers, it keeps keys to itself, it ends when asked to."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from faults.client import Asking
from upstream import Upstream, status, stream

if TYPE_CHECKING:
    from conftest import Running

KEY = "sk-canary-0123456789-abcdefghij"


def test_it_answers_says_no_key_and_ends_within_two_seconds(
    running: Callable[..., "Running"], profile_file: Callable[..., Path], upstream: Upstream
) -> None:
    profile = f"upstreams: {{up: {{url: {upstream.url}, key: $CANARY_KEY}}}}\nmodels: {{m: up/model}}"
    started = running(profile_file(profile), CANARY_KEY=KEY)
    asking = Asking(started.url)
    assert asking.chat().text == "Hello, world"
    gate = threading.Event()
    upstream.then(status(401, {"error": {"message": f"bad key {KEY}"}}))
    upstream.then(stream("a").reset_after(2).held_after(2, gate))
    refused, broken = asking.chat(), asking.chat(gate=gate)
    assert (refused.status, broken.finished) == (401, False)
    assert started.stop() == 0
    said = started.output()
    assert said
    assert not any(word in text for text in (said, refused, broken) for word in (KEY, "sk-typed-in-the-ide"))


def test_a_stream_that_is_under_way_does_not_hold_up_the_end(
    running: Callable[..., "Running"], profile_file: Callable[..., Path], upstream: Upstream
) -> None:
    upstream.always(stream("Hel", "lo").stall_after(2))
    profile = f"upstreams: {{up: {{url: {upstream.url}}}}}\nmodels: {{m: up/model}}"
    started = running(profile_file(profile))
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    with httpx2.stream("POST", f"{started.url}/v1/chat/completions", json=body, trust_env=False) as answer:
        next(answer.iter_raw())
        assert started.stop() == 0
