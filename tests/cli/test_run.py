"""What `idetour run` refuses before it starts, and what it says when it does. The start itself is in tests/proxy."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from idetour.cli.run import run, usable, where
from upstream import until

type Idetour = Callable[..., Result]


def test_a_busy_port_is_refused_with_its_holder_and_the_next_free_one(idetour: Idetour) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = idetour("run", "-p", port)

    assert result.exit_code == 1
    assert f"Port {port} is in use by " in result.stderr
    assert "(pid " in result.stderr
    assert "idetour run -p " in result.stderr


def test_a_foreign_address_is_not_called_a_busy_port() -> None:
    with pytest.raises(click.ClickException, match=r"^Cannot listen on 192\.0\.2\.1, port 8080: "):
        usable("192.0.2.1", 8080)


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("0.0.0.0", "0.0.0.0"),
        ("localhost", "localhost"),
        ("my-machine", "127.0.0.1"),
        ("x86_64-conda-linux-gnu", "127.0.0.1"),
    ],
)
def test_host_counts_where_it_is_an_address(host: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IDETOUR_HOST", raising=False)
    monkeypatch.setenv("HOST", host)

    assert where(host) == meant


@pytest.mark.parametrize("name", ["IDETOUR_PORT", "PORT", "CLAUDE_PROXY_PORT"])
def test_the_port_may_stand_in_the_environment_and_below_it_in_the_file(
    name: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / ".env").write_text(f"{name}=3100\nHOST=0.0.0.0\n")
    assert {key: run.make_context("run", []).params[key] for key in ("port", "host")} == {
        "port": 3100,
        "host": "0.0.0.0",
    }
    monkeypatch.setenv(name, "3200")
    assert run.make_context("run", []).params["port"] == 3200
    assert run.make_context("run", ["-p", "3300"]).params["port"] == 3300


def test_port_0_is_any_free_one() -> None:
    assert usable("127.0.0.1", 0) > 0


def test_serving_others_needs_an_access_key(idetour: Idetour, profile_file: Callable[..., Path]) -> None:
    result = idetour("run", profile_file("models: { m: demo/hello }"), "--host", "0.0.0.0", "-p", "0")

    assert result.exit_code == 1
    assert "lets others spend your keys" in result.stderr


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("transparent", "does not work in transparent mode. Use regular, "),
        ("nonsense", "--mode nonsense: unknown mode. Use regular, "),
        ("regular@0.0.0.0:9", "listens on this machine only, not on 0.0.0.0"),
    ],
)
def test_a_mode_that_is_not_served_is_refused_before_the_screen(
    idetour: Idetour, mode: str, said: str
) -> None:
    result = idetour("run", "-p", "0", "--mode", mode)

    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""


def test_the_screen_is_shown_once_it_listens(
    running: Callable[..., Any], profile_file: Callable[..., Path]
) -> None:
    product = running(profile_file("models: { m: demo/hello }"))

    assert until(lambda: f"Base URL    http://127.0.0.1:{product.port}/v1" in product.output())


def test_nothing_is_said_to_listen_where_it_does_not(
    running: Callable[..., Any], profile_file: Callable[..., Path]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = f"--listen-port={server.getsockname()[1]}"
        with pytest.raises(RuntimeError, match="in use") as failed:
            running(profile_file("models: { m: demo/hello }"), "--", taken)

    assert "Base URL" not in str(failed.value)


def test_an_option_of_mitmproxys_that_would_leak_is_refused_in_a_sentence(
    running: Callable[..., Any], profile_file: Callable[..., Path]
) -> None:
    with pytest.raises(RuntimeError) as failed:
        running(profile_file("models: { m: demo/hello }"), "--", "--set", "ssl_insecure=true")

    (_, said) = str(failed.value).splitlines()
    assert said.endswith("idetour does not run with ssl_insecure: keys would go to anyone.")


def test_a_handshake_that_failed_is_told_once_in_our_words(
    running: Callable[..., Any], profile_file: Callable[..., Path]
) -> None:
    product = running(profile_file("models: { m: demo/hello }"))
    stranger = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", product.port)) as plain:
        plain.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n")
        plain.recv(4096)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.wrap_socket(plain, server_hostname="api.openai.com")

    assert until(lambda: "did not take the certificate" in product.output())
    assert "handshake failed" not in product.output()
