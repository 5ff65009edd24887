"""The upstream that misbehaves does so exactly as asked: else the fault tests would prove nothing."""

import ssl
import threading
from collections.abc import Callable

import httpx2
import pytest

from upstream import (
    Act,
    Answer,
    Authority,
    Upstream,
    html,
    raw,
    redirect,
    reset_before_headers,
    stall_before_headers,
    status,
    stream,
    until,
)
from upstream.reading import HI, drain, plug, read, said


def test_other_bodies_have_their_status_and_type(upstream: Upstream) -> None:
    upstream.then(status(429, retry_after="7"), html(code=502), redirect("http://127.0.0.1:1/"))
    answers = [
        httpx2.post(f"{upstream.url}/x", json=HI, trust_env=False, follow_redirects=False) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [429, 502, 307]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].json()["error"]["message"] == "upstream says 429"
    assert answers[1].headers["content-type"].startswith("text/html")
    assert answers[2].headers["location"] == "http://127.0.0.1:1/"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (reset_before_headers(), httpx2.ReadError),
        (raw(Act.FIN), httpx2.RemoteProtocolError),
        (raw(b"SSH-2.0-OpenSSH\r\n", Act.FIN), httpx2.RemoteProtocolError),
        (stall_before_headers(), httpx2.ReadTimeout),
        (stream("a").reset_after(0), httpx2.ReadError),
        (stream("a").reset_after(2), httpx2.ReadError),
        (stream("a").fin_after(2), httpx2.RemoteProtocolError),
        (stream("a").stall_after(2), httpx2.ReadTimeout),
    ],
    ids=[
        "reset",
        "fin",
        "no http",
        "stall",
        "reset after 0",
        "reset after 2",
        "fin after 2",
        "stall after 2",
    ],
)
def test_each_fault_is_the_one_that_was_asked_for(
    upstream: Upstream, answer: Answer, fault: type[Exception]
) -> None:
    upstream.then(answer)
    with pytest.raises(fault):
        read(upstream, timeout=0.2)


@pytest.mark.parametrize("answer", [stream("a", "b").reset_after(2), stream("a", "b").fin_after(2)])
def test_what_came_before_a_fault_arrives(upstream: Upstream, answer: Answer) -> None:
    upstream.then(answer)
    got: list[bytes] = []
    with (
        pytest.raises(httpx2.TransportError),
        httpx2.stream("POST", f"{upstream.url}/x", json=HI, trust_env=False) as parts,
    ):
        got.extend(parts.iter_bytes())
    assert b"".join(got).count(b"data: ") == 2


def test_a_stream_can_end_well_formed_and_unfinished(upstream: Upstream) -> None:
    upstream.then(stream("a", "b").ends_after(2))
    body = read(upstream)
    assert (body.count(b"data: "), b"DONE" in body, b'"stop"' in body) == (2, False, False)


def test_the_rest_can_wait_until_the_client_has_heard_the_beginning(upstream: Upstream) -> None:
    gate = threading.Event()
    upstream.then(stream("a", "b").reset_after(3).held_after(2, gate))
    got = b""
    with httpx2.stream("POST", f"{upstream.url}/x", json=HI, trust_env=False) as answer:
        parts = answer.iter_raw()
        while b'"a"' not in got:
            got += next(parts)
        gate.set()
        with pytest.raises(httpx2.ReadError):
            list(parts)
    assert b'"b"' not in got


def test_an_answer_without_so_many_pieces_says_so(upstream: Upstream) -> None:
    said(upstream)
    with pytest.raises(ValueError, match="has 4 pieces, not 9"):
        list(stream("a").reset_after(9).wire(upstream.requests[0]))


def test_a_client_that_leaves_is_noticed_at_once(upstream: Upstream) -> None:
    upstream.then(stream("a").stall_after(1))
    with pytest.raises(httpx2.ReadTimeout):
        read(upstream, timeout=0.1)
    assert until(lambda: upstream.requests[0].aborted is not None)
    assert 0.05 < (upstream.requests[0].aborted or 0) < 3


def test_a_client_that_stays_to_the_end_is_not_said_to_have_left(upstream: Upstream) -> None:
    said(upstream)
    assert until(lambda: upstream.open == 0)
    assert upstream.requests[0].aborted is None


def test_a_port_that_refuses_can_come_back(upstream: Upstream) -> None:
    assert said(upstream) == "Hello, world"
    upstream.refuse()
    with pytest.raises(ConnectionRefusedError):
        plug(upstream)
    upstream.accept()
    assert said(upstream) == "Hello, world"


def test_refusing_resets_what_was_open(upstream: Upstream) -> None:
    with plug(upstream) as sock:
        assert until(lambda: upstream.open == 1)
        upstream.refuse()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_ignored_connections_are_made_and_never_answered(upstream: Upstream) -> None:
    upstream.ignore()
    with plug(upstream, b"GET / HTTP/1.1\r\n\r\n") as sock:
        sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sock.recv(1)
    assert (upstream.accepted, upstream.requests) == (0, [])


def models(upstream: Upstream, authority: Authority) -> list[str]:
    context = ssl.create_default_context(cafile=authority.ca)
    with httpx2.Client(verify=context, trust_env=False, timeout=0.5) as client:
        return [model["id"] for model in client.get(f"{upstream.url}/models").json()["data"]]


def test_tls_is_good_for_who_trusts_the_authority(tls_upstream: Upstream, authority: Authority) -> None:
    assert tls_upstream.url.startswith("https://")
    assert models(tls_upstream, authority) == ["up-model"]


def test_tls_fails_in_the_ways_that_were_asked_for(
    upstreams: Callable[..., Upstream], authority: Authority
) -> None:
    with pytest.raises(httpx2.ConnectError, match="expired"):
        models(upstreams(tls=authority.leaf(expired=True)), authority)
    with pytest.raises(httpx2.ConnectError, match="not valid for"):
        models(upstreams(tls=authority.leaf("elsewhere.example")), authority)


def test_a_strange_authority_is_not_trusted(
    tls_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        models(tls_upstream, Authority(tmp_path_factory.mktemp("stranger")))


def test_a_handshake_can_hang(tls_upstream: Upstream, authority: Authority) -> None:
    tls_upstream.ignore()
    with pytest.raises(httpx2.ConnectTimeout):
        models(tls_upstream, authority)


def test_nothing_of_it_is_left() -> None:
    before = threading.active_count()
    with Upstream() as up:
        up.then(stream("a").stall_after(1))
        sock = plug(up, b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        assert until(lambda: len(up.requests) == 1)
    with sock, pytest.raises(ConnectionResetError):
        drain(sock)
    assert threading.active_count() == before
