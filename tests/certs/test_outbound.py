"""Our own client against real servers: one that shows our chain, one with somebody else's."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.certs import Authority, ensure, outbound_context
from idetour.certs.outbound import OWN_CERTIFICATE
from idetour.errors import SetupError
from upstream import Authority as Throwaway
from upstream import Upstream, until

HOST = "api.openai.com"

type Upstreams = Callable[..., Upstream]


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return ensure(tmp_path / "certs", [HOST])


@pytest.fixture
def system(ours: Authority, authority: Throwaway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that trusts our root and another authority."""
    store = tmp_path / "system.pem"
    store.write_bytes(ours.root.read_bytes() + authority.ca.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(store))


def shake(context: ssl.SSLContext, server: Upstream) -> None:
    """A handshake as our transport makes it. Raises ssl.SSLError."""

    async def connect() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context, server_hostname=HOST)
        writer.close()

    try:
        asyncio.run(connect())
    finally:
        until(lambda: not server.open)


def shake_blocking(context: ssl.SSLContext, server: Upstream) -> None:
    try:
        with (
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            context.wrap_socket(plain, server_hostname=HOST),
        ):
            pass
    finally:
        until(lambda: not server.open)


both = pytest.mark.parametrize("connect", [shake, shake_blocking])


@both
@pytest.mark.usefixtures("system")
def test_our_own_certificate_is_refused_although_the_system_trusts_it(
    connect: Callable[..., None], ours: Authority, upstreams: Upstreams
) -> None:
    server = upstreams(tls=ours.chains[HOST])
    connect(outbound_context(None), server)  # it would be accepted
    with pytest.raises(ssl.SSLCertVerificationError, match="idetour's own") as refused:
        connect(outbound_context(ours), server)
    assert refused.value.reason == OWN_CERTIFICATE


@both
@pytest.mark.usefixtures("system")
def test_another_authority_that_the_system_trusts_is_accepted(
    connect: Callable[..., None], ours: Authority, authority: Throwaway, upstreams: Upstreams
) -> None:
    connect(outbound_context(ours), upstreams(tls=authority.leaf(HOST)))


def test_an_authority_of_the_users_choice_is_accepted_instead_of_the_systems(
    ours: Authority, authority: Throwaway, upstreams: Upstreams
) -> None:
    server = upstreams(tls=authority.leaf(HOST))
    shake(outbound_context(ours, authority.ca), server)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        shake(outbound_context(ours), server)


def test_our_own_certificate_is_refused_even_where_the_user_chose_our_root(
    ours: Authority, upstreams: Upstreams
) -> None:
    with pytest.raises(ssl.SSLError, match="idetour's own"):
        shake(outbound_context(ours, ours.root), upstreams(tls=ours.chains[HOST]))


@pytest.mark.parametrize(
    "leaf", [{"expired": True}, {"wrong": "evil.example"}], ids=["expired", "wrong name"]
)
@pytest.mark.usefixtures("system")
def test_verification_stays_as_strict_as_pythons(
    leaf: dict[str, object], ours: Authority, authority: Throwaway, upstreams: Upstreams
) -> None:
    pem = authority.leaf(str(leaf.get("wrong", HOST)), expired="expired" in leaf)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(outbound_context(ours), upstreams(tls=pem))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_file_that_cannot_be_used_is_named(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(SetupError, match=r"ca\.pem"):
        outbound_context(None, path)
