"""Planted faults, each found by name: the first broken hop is the one that was broken.

Those of the hosts file need a machine of their own and are in tests/doctor/test_resolver.py.
"""

import json
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from conftest import Serving
from idetour import certs
from idetour.doctor import HOPS
from idetour.home import CHECKOUT
from proxy.conftest import Proxy
from upstream import Upstream, stall_before_headers, status

type Idetour = Callable[..., Result]

KEY = "sk-canary-4f1c0b7e9a2d"


@dataclass(frozen=True)
class Found:
    """What the doctor said, read from its JSON."""

    code: int
    hop: str | None
    text: str
    remedy: str
    output: str


@pytest.fixture
def found(idetour: Idetour) -> Callable[..., Found]:
    """The first broken hop of `idetour doctor …`: `found(profile, "-p", port)`."""

    def examine(*words: object, **env: str) -> Found:
        result = idetour("doctor", *words, "--json", **env)
        report = json.loads(result.stdout)
        first = next((each for each in report["findings"] if each["state"] == "broken"), None)
        assert report["first_broken"] == (first and first["hop"])
        assert report["open"] is (first is None)
        assert KEY not in result.output
        said = first or {"text": "", "remedy": ""}
        return Found(result.exit_code, report["first_broken"], said["text"], said["remedy"], result.output)

    return examine


@pytest.fixture
def led(
    serving: Callable[..., Serving],
    profile_file: Callable[..., Path],
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Path, str, int]:
    """A profile with `m` at `upstream`, and the port of an idetour that runs it."""
    monkeypatch.setenv("THE_KEY", KEY)
    path = profile_file(
        f"upstreams: {{up: {{url: '{upstream.url}', key: $THE_KEY}}}}\nmodels: {{m: up/up-model}}"
    )
    return path, "-p", serving(path).port


def test_a_sound_road_is_open(found: Callable[..., Found], led: tuple[Any, ...]) -> None:
    seen = found(*led)

    assert (seen.code, seen.hop) == (0, None)


def test_fault_a_broken_profile(found: Callable[..., Found], profile_file: Callable[..., Path]) -> None:
    seen = found(profile_file("models: {m: demo/hello}\nroutes: {gpt-4o: mm}"))

    assert (seen.code, seen.hop) == (1, "profile")
    assert "did you mean 'm'?" in seen.text


def test_fault_a_missing_key(found: Callable[..., Found], profile_file: Callable[..., Path]) -> None:
    seen = found(profile_file("models: {coder: nim/x}"))

    assert seen.hop == "keys"
    assert "NVIDIA_API_KEY" in seen.remedy


def test_fault_a_key_that_is_refused(
    found: Callable[..., Found], led: tuple[Any, ...], upstream: Upstream
) -> None:
    upstream.always(status(401), asked="/v1/models")
    seen = found(*led)

    assert (seen.hop, seen.text) == ("upstream", "up, key …9a2d: the key is refused (401)")


def test_fault_an_upstream_that_is_down(
    found: Callable[..., Found], led: tuple[Any, ...], upstream: Upstream
) -> None:
    upstream.refuse()
    seen = found(*led)

    assert seen.hop == "upstream"
    assert "nothing listens there" in seen.text


def test_fault_an_upstream_whose_authority_nobody_here_trusts(
    found: Callable[..., Found], profile_file: Callable[..., Path], tls_upstream: Upstream
) -> None:
    url = tls_upstream.url
    seen = found(
        profile_file(f"upstreams: {{up: {{url: '{url}', key: $THE_KEY}}}}\nmodels: {{m: up/x}}"), THE_KEY=KEY
    )

    assert seen.hop == "upstream"
    assert "its certificate is not trusted" in seen.text
    assert "`ca:`" in seen.remedy


def test_fault_a_clock_that_is_wrong(
    found: Callable[..., Found], led: tuple[Any, ...], upstream: Upstream
) -> None:
    upstream.always(status(404).saying(Date="Fri, 20 Nov 2020 12:00:00 GMT"), asked="/v1/models")
    seen = found(*led)

    assert seen.hop == "clock"
    assert "if up is right" in seen.text


def test_fault_a_dead_proxy(found: Callable[..., Found], led: tuple[Any, ...], free_port: int) -> None:
    seen = found(*led, HTTPS_PROXY=f"http://127.0.0.1:{free_port}")

    assert (seen.hop, seen.text) == (
        "environment",
        f"HTTPS_PROXY is http://127.0.0.1:{free_port}, where nobody listens",
    )


def test_fault_a_port_that_another_program_holds(
    found: Callable[..., Found], profile_file: Callable[..., Path], upstream: Upstream
) -> None:
    seen = found(profile_file("models: {m: demo/hello}"), "-p", upstream.port)

    assert seen.hop == "port"
    assert f"(pid {os.getpid()})" in seen.text
    assert "idetour run -p " in seen.remedy


def test_fault_an_authority_that_has_expired(
    found: Callable[..., Found], led: tuple[Any, ...], home: Path
) -> None:
    certs.ensure(home / "certs", ["api.openai.com"], now=datetime.now(UTC) - timedelta(days=4000))
    seen = found(*led)

    assert seen.hop == "authority"
    assert "expired on" in seen.text


@pytest.fixture
def intercepting(home: Path, profile_file: Callable[..., Path]) -> Proxy:
    return Proxy(profile_file("models: {m: demo/hello}"))


def test_fault_a_root_that_a_program_does_not_trust(
    found: Callable[..., Found], intercepting: Proxy, tmp_path: Path
) -> None:
    another = certs.ensure(tmp_path / "another", ["api.openai.com"])
    with intercepting as running:
        way = {"HTTPS_PROXY": running.url, "SSL_CERT_FILE": str(another.root)}
        seen = found("-p", running.port, "--ide", "aider", **way)
        cured = found(
            "-p", running.port, "--ide", "aider", **{**way, "SSL_CERT_FILE": str(running.authority.root)}
        )

    assert seen.hop == "trust"
    assert "refused by python3" in seen.text
    assert cured.hop is None


def test_fault_a_handshake_that_a_program_broke_off(found: Callable[..., Found], intercepting: Proxy) -> None:
    with intercepting as running:
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger(running.port)
        seen = found("-p", running.port, "--ide", "aider")

    assert seen.hop == "handshakes"
    assert "alert unknown_ca" in seen.text


def stranger(port: int) -> None:
    """A real client without our root."""
    with socket.create_connection(("127.0.0.1", port)) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname="api.openai.com")


def test_fault_a_model_that_is_not_in_the_list(found: Callable[..., Found], led: tuple[Any, ...]) -> None:
    seen = found(*led, "--model", "mm")

    assert seen.hop == "models"
    assert seen.remedy == "did you mean 'm'?"


def test_fault_a_stream_that_never_starts(
    found: Callable[..., Found], led: tuple[Any, ...], upstream: Upstream
) -> None:
    upstream.always(stall_before_headers())
    seen = found(*led, "--patience", "0.5")

    assert (seen.hop, seen.text) == ("stream", "m: the stream does not begin: no first word within 0.5 s")


def test_a_person_gets_a_line_for_each_hop_and_one_to_act_on(
    idetour: Idetour, profile_file: Callable[..., Path], free_port: int
) -> None:
    result = idetour("doctor", profile_file("models: {m: demo/hello}"), "-p", free_port, "--offline")
    lines = result.stdout.splitlines()

    assert result.exit_code == 1
    assert f"broken   port          Nothing listens on port {free_port}" in lines
    assert "skipped  stream        not tried, because of: port" in lines
    assert lines[-1].startswith("First broken hop: port. Start it: idetour run ")


def test_an_ide_that_nobody_knows_is_a_sentence(idetour: Idetour) -> None:
    result = idetour("doctor", "--ide", "emacs")

    assert result.exit_code == 2
    assert "'emacs' is not among trae, vscode" in result.stderr


@pytest.mark.parametrize("page", ["doctor.md", "doctor.zh-CN.md"])
def test_the_page_has_every_hop_in_its_order(page: str) -> None:
    text = (CHECKOUT / "docs" / page).read_text(encoding="utf-8")
    listed = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]

    assert listed == [hop.name for hop in HOPS]


def test_programs_that_show_it_live_get_a_line_for_each_finding_and_the_conclusion(
    idetour: Idetour, free_port: int
) -> None:
    result = idetour("doctor", "--lines", "--offline", "-p", free_port)
    told = [json.loads(line) for line in result.stdout.splitlines()]

    assert {each["type"] for each in told[:-1]} == {"finding"}
    assert told[-1] == {"type": "end", "open": False, "first_broken": "port"}
    assert result.exit_code == 1
