"""Real failures of real connections, each in words."""

import socket
import ssl
import threading
from collections.abc import Callable

import httpx2
import pytest

from idetour.certs.outbound import OWN_CERTIFICATE
from idetour.doctor.trouble import certificate, explained
from upstream import Authority, Upstream


def failure(url: str, **options: object) -> httpx2.HTTPError:
    with pytest.raises(httpx2.HTTPError) as caught:
        httpx2.get(url, timeout=2, trust_env=False, **options)  # type: ignore[arg-type]
    return caught.value


def test_a_refused_connection_says_so(upstream: Upstream) -> None:
    upstream.refuse()

    assert explained(failure(upstream.url))[0] == "nothing listens there (connection refused)"
    assert explained(failure(upstream.url), here=True)[1] == "Start it."


def test_an_unknown_name_says_so() -> None:
    assert explained(failure("http://no-such-host.invalid/"))[0] == "its name cannot be resolved"


def test_silence_proposes_a_proxy(upstream: Upstream) -> None:
    upstream.ignore()
    what, remedy = explained(failure(upstream.url))

    assert what == "does not answer in time"
    assert "`proxy:`" in remedy


def test_a_certificate_of_an_unknown_authority_proposes_to_name_it(tls_upstream: Upstream) -> None:
    what, remedy = explained(failure(tls_upstream.url))

    assert what.startswith("its certificate is not trusted (unable to get local issuer certificate")
    assert "`ca:`" in remedy


def test_an_expired_certificate_asks_for_the_clock(
    upstreams: Callable[..., Upstream], authority: Authority
) -> None:
    up = upstreams(tls=authority.leaf(expired=True))
    context = ssl.create_default_context(cafile=authority.ca)

    assert explained(failure(up.url, verify=context)) == (
        "its certificate has expired",
        "Look at this machine's clock first.",
    )


def test_a_certificate_for_another_name_says_so(
    upstreams: Callable[..., Upstream], authority: Authority
) -> None:
    up = upstreams(tls=authority.leaf("api.example.com"))
    context = ssl.create_default_context(cafile=authority.ca)
    url = up.url.replace("127.0.0.1", "localhost")

    assert explained(failure(url, verify=context))[0] == "its certificate is for another name"


def test_our_own_certificate_is_a_loop() -> None:
    error = ssl.SSLCertVerificationError(1, "own")
    error.reason = OWN_CERTIFICATE

    assert certificate(error)[0].startswith("leads back to this machine")


def test_http_where_tls_was_meant_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=talk_plain, args=(server,), daemon=True).start()
        what, _ = explained(failure(f"https://127.0.0.1:{server.getsockname()[1]}/"))

    assert what.startswith("speaks no TLS that we understand")


def talk_plain(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(4096)
