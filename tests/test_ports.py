"""Who holds a port, and which one is free: asked of the system, with real listeners."""

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from idetour.ports import any_free, holder, next_free, obstacle, stranger, talker

LISTEN = """
import socket, sys
held = socket.create_server(("127.0.0.1", 0))
print(held.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def listener() -> Iterator[tuple[int, int]]:
    """The port and process id of another program that listens."""
    command = [sys.executable, "-c", LISTEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield int(process.stdout.readline()), process.pid


def test_a_port_that_somebody_listens_on_is_not_free(listener: tuple[int, int]) -> None:
    error = obstacle("127.0.0.1", listener[0])

    assert error
    assert error.errno == errno.EADDRINUSE


def test_a_port_that_was_closed_is_free_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        server.accept()[0].close()  # it now waits in TIME_WAIT
    client.close()

    assert obstacle("127.0.0.1", port) is None


def test_an_address_of_another_machine_is_no_busy_port() -> None:
    error = obstacle("192.0.2.1", 8080)

    assert error
    assert error.errno != errno.EADDRINUSE


def test_the_holder_is_named_with_its_process_id(listener: tuple[int, int]) -> None:
    port, pid = listener
    name = holder(port)

    assert name
    assert f"pid {pid}" in name
    if sys.platform == "linux":
        assert name.startswith("python")


def test_nobody_holds_a_free_port() -> None:
    assert holder(any_free("127.0.0.1")) is None


def test_who_merely_talks_from_a_port_does_not_hold_it(listener: tuple[int, int]) -> None:
    with socket.create_connection(("127.0.0.1", listener[0])) as client:
        assert holder(client.getsockname()[1]) is None


def test_the_next_free_port_is_the_nearest_above() -> None:
    with socket.create_server(("127.0.0.1", any_free("127.0.0.1"))) as server:
        port = server.getsockname()[1]
        found = next_free("127.0.0.1", port - 1)

    assert port < found < port + 100


def test_the_next_free_port_needs_no_rights() -> None:
    assert next_free("127.0.0.1", 443) >= 1024


def test_above_the_last_port_any_is_taken() -> None:
    assert next_free("127.0.0.1", 65535) > 0


@pytest.mark.skipif(os.name != "posix" or not socket.has_ipv6, reason="needs IPv6")
def test_ipv6_has_ports_too() -> None:
    if obstacle("::1", 0):
        pytest.skip("this machine has no IPv6 loopback")

    assert any_free("::1") > 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_program_at_the_other_end_of_a_connection_is_named(listener: tuple[int, int]) -> None:
    port, pid = listener
    with socket.create_connection(("127.0.0.1", port)) as client:
        here = client.getsockname()[1]

        assert str(talker(here, port)).endswith(f"(pid {os.getpid()})")
        assert talker(port, port) is None
    assert f"pid {pid}" in str(holder(port))


def test_who_listens_as_ourselves_is_no_stranger(listener: tuple[int, int]) -> None:
    assert not stranger(listener[0])


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="only root can be two users"
)
def test_another_user_on_our_port_is_a_stranger_and_root_is_none() -> None:
    """It may answer as idetour does: nobody's token is sent there."""
    with socket.create_server(("127.0.0.1", 0)) as roots:
        os.seteuid(54321)
        try:
            with socket.create_server(("127.0.0.1", 0)) as theirs:
                os.seteuid(0)
                os.seteuid(12345)
                held = [stranger(server.getsockname()[1]) for server in (roots, theirs)]
        finally:
            os.seteuid(0)
    assert held == [False, True]
