"""Real clients that turn away from our certificate: what is said of them, to the log and to /health."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idetour.endpoints.health import MOST_REFUSALS, SHOWN_REFUSALS, Refusal, Refusals
from idetour.proxy.handshakes import alert_in, cure, named, sentence
from proxy.conftest import HOST, Proxy
from upstream import until


@pytest.fixture
def profile(profile_file: Callable[..., Path]) -> Path:
    return profile_file("models: {m: demo/hello}\nhosts: [api.openai.com, openrouter.ai]")


def health(running: Proxy) -> dict[str, Any]:
    with running.direct() as client:
        said: dict[str, Any] = client.get("/health").json()
        return said


def calling(running: Proxy, host: str = "") -> socket.socket:
    """A connection, through CONNECT where a host is given."""
    plain = socket.create_connection(("127.0.0.1", running.port), 10)
    if host:
        plain.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert plain.recv(1000).startswith(b"HTTP/1.1 200 ")
    return plain


def refuse(running: Proxy, host: str = HOST, *, tunnel: bool = False) -> None:
    """A client that trusts no authority of ours."""
    context = ssl.create_default_context()
    with calling(running, host if tunnel else "") as plain, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(plain, server_hostname=host)


def leave(running: Proxy) -> None:
    """A client that closes the connection when it has seen the certificate, as Java and Node do."""
    out = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with calling(running, HOST) as plain:
        plain.sendall(out.read())
        plain.recv(4096)


def counted(running: Proxy, number: int) -> dict[str, Any]:
    assert until(lambda: health(running)["handshakes"] == number)
    return health(running)


@pytest.mark.parametrize("tunnel", [True, False])
def test_a_client_that_does_not_know_the_authority_is_told_with_its_remedy(
    either: Callable[..., Proxy], profile: Path, caplog: pytest.LogCaptureFixture, tunnel: bool
) -> None:
    running = either(profile)
    refuse(running, tunnel=tunnel)
    [refusal] = counted(running, 1)["refusals"]

    assert "came for api.openai.com and did not take the certificate" in refusal["said"]
    assert "it does not know the authority (alert unknown_ca)" in refusal["said"]
    assert "idetour cert install" in refusal["remedy"]
    assert f"{refusal['said']} {refusal['remedy']}" in caplog.messages


def test_a_client_that_leaves_without_a_word_is_told(either: Callable[..., Proxy], profile: Path) -> None:
    running = either(profile)
    leave(running)
    [refusal] = counted(running, 1)["refusals"]

    assert "it left without a word" in refusal["said"]


def test_a_client_that_shares_no_cipher_with_us_is_told_so(
    either: Callable[..., Proxy], profile: Path
) -> None:
    running, context = either(profile), ssl.create_default_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-GCM-SHA256")  # whose key exchange asks for a certificate with RSA
    with calling(running, HOST) as plain, pytest.raises(OSError, match=r"ALERT|EOF|reset"):
        context.wrap_socket(plain, server_hostname=HOST)
    [refusal] = counted(running, 1)["refusals"]

    assert "no shared cipher" in refusal["said"]


def test_the_same_is_told_once_and_counted_always(
    either: Callable[..., Proxy], profile: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = either(profile)
    for host in ("api.openai.com", "api.openai.com", "openrouter.ai"):
        refuse(running, host)
    told = counted(running, 3)["refusals"]

    assert [refusal["said"].split()[refusal["said"].split().index("for") + 1] for refusal in told] == [
        *("api.openai.com", "openrouter.ai")
    ]
    assert sum("did not take the certificate" in message for message in caplog.messages) == 2


def test_a_client_that_trusts_us_is_no_failure(either: Callable[..., Proxy], profile: Path) -> None:
    running = either(profile)
    with running.client() as client:
        client.get("https://api.openai.com/v1/models")

    assert health(running)["handshakes"] == 0


def test_one_that_only_knocks_or_speaks_no_tls_is_no_failure(
    either: Callable[..., Proxy], profile: Path
) -> None:
    running = either(profile, "reverse:https://api.openai.com@127.0.0.1:0")
    for words in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\x00\x05hello"):
        with socket.create_connection(("127.0.0.1", running.port), 5) as plain:
            plain.sendall(words)
            plain.shutdown(socket.SHUT_WR)
            plain.recv(100)
    refuse(running)

    assert counted(running, 1)["handshakes"] == 1


def test_where_other_machines_are_served_only_the_log_tells(
    either: Callable[..., Proxy], profile_file: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    profile = profile_file("models: {m: demo/hello}\naccess: sk-access-0123456789")
    running = either(profile, idetour_lan=True)
    refuse(running)

    assert until(lambda: any("did not take the certificate" in message for message in caplog.messages))
    assert not {"handshakes", "refusals", "file"} & health(running).keys()


def test_what_is_kept_and_shown_is_bounded() -> None:
    kept = Refusals()
    for number in range(100):
        kept.recent.append(Refusal(at=number, said="x", remedy=""))

    assert len(kept.recent) == MOST_REFUSALS
    assert SHOWN_REFUSALS < MOST_REFUSALS


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("The client does not trust the proxy's certificate for x (tlsv1 alert unknown ca)", "unknown ca"),
        ("… (ssl/tls alert certificate unknown)", "certificate unknown"),
        ("… (ssl/tls alert bad certificate)", "bad certificate"),
        ("The client disconnected during the handshake. If …", "disconnected during the handshake"),
        ("something else", None),
    ],
)
def test_the_alert_is_found_in_mitmproxys_words(error: str, expected: str | None) -> None:
    assert alert_in(error) == expected


def test_an_unknown_error_is_told_in_openssls_words_alone() -> None:
    error = "The client may not trust the proxy's certificate for x\nfake (tlsv1 alert odd)"

    assert sentence("h", None, error, "curl (pid 7)") == (
        "curl (pid 7) came for h and did not take the certificate: tlsv1 alert odd."
    )


@pytest.mark.parametrize(
    ("program", "platform", "words"),
    [
        ("java (pid 7)", "darwin", "--store java,"),
        ("code (pid 7)", "linux", "--store nss,"),
        ("code (pid 7)", "win32", "--store windows-user,"),
        (None, "linux", "It likely reads the store nss, system or node: idetour cert install, then"),
        (None, "darwin", "macos, node or java: idetour cert install, then"),
    ],
)
def test_the_likely_store_is_named(program: str | None, platform: str, words: str) -> None:
    assert words in cure("unknown ca", program, platform)


def test_a_name_that_is_none_does_not_reach_the_log() -> None:
    assert named("api.openai.com") == "api.openai.com"
    assert named("x\nfake line") == named(None) == "no host that has a name"
