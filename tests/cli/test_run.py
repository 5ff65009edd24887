"""What `idetour run` refuses before it starts, and what it says when it does. The start itself is in tests/proxy."""

import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from idetour.cli.run import address, start_screen, usable
from idetour.profile.catalog import load
from idetour.profile.read import read
from upstream import until

type Idetour = Callable[..., Result]


@pytest.fixture
def screen(profile_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What is shown for a profile: `screen("models: …", host="::1")`."""

    def shown(text: str, host: str = "127.0.0.1", modes: tuple[str, ...] = (), **env: Any) -> str:
        start_screen(read(profile_file(text), catalog=load(env=env), env=env), host, 8080, modes)
        return capsys.readouterr().out

    return shown


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


def test_port_0_is_any_free_one() -> None:
    assert usable("127.0.0.1", 0) > 0


def test_serving_others_needs_an_access_key(idetour: Idetour, profile_file: Callable[..., Path]) -> None:
    result = idetour("run", profile_file("models: { m: demo/hello }"), "--host", "0.0.0.0", "-p", "0")

    assert result.exit_code == 1
    assert "lets others spend your keys" in result.stderr


def test_the_start_screen_says_all_that_an_ide_asks_for(screen: Callable[..., str]) -> None:
    said = screen("models: { coder: nim/x, mine: demo/slow }")
    assert re.sub(r"#token=[\w-]{43} ", "#token=… ", said).splitlines()[1:] == [
        "  Base URL    http://127.0.0.1:8080/v1",
        "  Model       mine",
        "  API key     anything",
        "  Dashboard   http://127.0.0.1:8080/admin#token=…  (works once)",
        "  As a proxy  http://127.0.0.1:8080 intercepts api.openai.com; trust `idetour cert path` for it",
        "  No key yet  NVIDIA NIM (NVIDIA_API_KEY)",
        "",
        "Try it:",
        "curl -N http://127.0.0.1:8080/v1/chat/completions"
        """ -d '{"model":"mine","stream":true,"messages":[{"role":"user","content":"hello"}]}'""",
        "",
    ]


def test_the_screen_fits_when_much_is_offered(screen: Callable[..., str]) -> None:
    shown = screen("offer: available", NVIDIA_API_KEY="nvapi-test-000")

    assert len(shown.splitlines()) <= 11
    assert " more (idetour models)" in shown
    assert "nvapi-test" not in shown


def test_an_access_key_is_asked_for_and_not_shown(screen: Callable[..., str]) -> None:
    shown = screen("models: { m: demo/hello }\naccess: [$TEAM]", TEAM="secret-of-the-team")

    assert "an access key (TEAM)" in shown
    assert "Bearer YOUR_ACCESS_KEY" in shown
    assert "secret-of-the-team" not in shown


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("::1", "http://[::1]:8080/v1"),
        ("0.0.0.0", "http://127.0.0.1:8080/v1"),  # and a line for others
        ("::", "http://[::1]:8080/v1"),
        ("192.168.1.7", "http://192.168.1.7:8080/v1"),
    ],
)
def test_the_address_is_one_that_can_be_typed(screen: Callable[..., str], host: str, base: str) -> None:
    assert f"Base URL    {base}\n" in screen("models: { m: demo/hello }", host=host)


def test_others_are_told_this_machines_own_address(screen: Callable[..., str]) -> None:
    own = address(4)
    if own is None or own.startswith("127."):
        pytest.skip("this machine has no network")
    shown = screen("models: { m: demo/hello }", host="0.0.0.0")

    assert f"listening on http://{own}:8080\n" in shown
    assert f"For others  http://{own}:8080/v1\n" in shown


def test_an_address_of_the_lan_is_the_only_one_that_is_shown(screen: Callable[..., str]) -> None:
    shown = screen("models: { m: demo/hello }", host="192.168.1.7")

    assert "listening on http://192.168.1.7:8080\n" in shown
    assert "127.0.0.1" not in shown
    assert "For others" not in shown


def test_of_many_vendors_without_a_key_four_are_named_each_once(screen: Callable[..., str]) -> None:
    [line] = [each for each in screen("offer: available").splitlines() if "No key yet" in each]

    assert line.count("_KEY)") == 4
    assert line.endswith(" more (idetour models --all)")
    assert line.count("Alibaba") == 1


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


def test_more_modes_are_named(screen: Callable[..., str]) -> None:
    assert "listening on http://127.0.0.1:8080, local\n" in screen(
        "models: { m: demo/hello }", modes=("local",)
    )
