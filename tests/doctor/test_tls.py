"""What a program that is hard-wired to a host is shown, by the real proxy."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idetour import certs
from idetour.certs.stores.proof import Listener, listening
from idetour.doctor import Road, tls
from idetour.doctor.tls import judged, shown
from proxy.conftest import Proxy
from upstream import Upstream

HOST = "api.openai.com"


@pytest.fixture
def authority(home: Path) -> certs.Authority:
    return certs.ensure(home / "certs", [HOST])


@pytest.fixture
def listener(authority: certs.Authority) -> Iterator[Listener]:
    with listening(authority) as made:
        yield made


def test_the_proxy_shows_the_right_name_and_chain(home: Path, profile_file: Callable[..., Path]) -> None:
    path = profile_file("models: {m: demo/hello}")
    with Proxy(path) as running:
        [finding] = tls.HOP.look(Road(wanted=str(path), port=running.port))

    assert finding.state == "ok"
    assert finding.text.startswith(f"{HOST} on port {running.port}: right name and chain, ")


def test_a_certificate_of_an_earlier_authority_is_broken(
    authority: certs.Authority, listener: Listener, home: Path
) -> None:
    later = certs.ensure(home / "certs", [HOST], afresh=True)

    assert shown(later, HOST, listener.port).state == "broken"
    assert "not of this authority" in shown(later, HOST, listener.port).text


def test_no_tls_at_all_is_broken(authority: certs.Authority, upstream: Upstream) -> None:
    upstream.refuse()

    assert "no TLS handshake" in shown(authority, HOST, upstream.port).text


def test_the_days_that_are_left_are_counted() -> None:
    certificate: dict[str, object] = {"notAfter": "Dec 10 12:00:00 2026 GMT"}

    assert judged("x", certificate, datetime(2026, 11, 20, tzinfo=UTC)).state == "note"
    assert judged("x", certificate, datetime(2026, 10, 1, tzinfo=UTC)).text.endswith("70 more days")


def test_without_an_authority_there_is_nothing_to_compare_with(road: Callable[..., Road]) -> None:
    assert [finding.state for finding in tls.HOP.look(road())] == ["skipped"]
