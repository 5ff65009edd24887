"""`/metrics` over HTTP: for the owner alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from endpoints.talk import chat, look
from idetour.secret import Secret
from upstream import Upstream, status

TOKEN = Secret("t" * 43)


def test_the_owner_gets_the_page_with_what_rests(
    served: Callable[..., Any], upstream: Upstream, tmp_path: Path
) -> None:
    port = served("routes: {r: [{use: up/a, else: up/b}]}", admin=TOKEN, state=tmp_path).port
    upstream.then(status(429, retry_after="60"), asked="a")
    chat(port, model="r")
    answer = look(port, "/metrics", authorization=f"Bearer {TOKEN.reveal()}")
    lines = answer.body.decode().splitlines()

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'idetour_cooldown_active{target="up/a"} 1' in lines
    assert 'idetour_attempts_total{target="up/a",outcome="429"} 1' in lines
    assert 'idetour_requests_total{client="",outcome="ok",protocol="chat"} 1' in lines


def test_nobody_else_does(served: Callable[..., Any]) -> None:
    assert look(served(admin=TOKEN).port, "/metrics").status == 401
