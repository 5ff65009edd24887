"""What a connection says first, on a real stream."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import pytest
from mitmproxy import connection

from idetour.proxy.caller import HELLO_BYTES, Caller


def hello(name: str | None) -> bytes:
    context, out = ssl.create_default_context(), ssl.MemoryBIO()
    context.check_hostname = False
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


@contextlib.asynccontextmanager
async def calling(*pieces: bytes, ends: bool) -> AsyncIterator[tuple[Caller, asyncio.StreamReader]]:
    """A connection that says this piece by piece, and whose reader mitmproxy has."""
    ours, theirs = socket.socketpair()
    reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()
    _, writer = await asyncio.open_connection(sock=ours)
    for piece in pieces:
        loop.call_soon(reader.feed_data, piece)
    if ends:
        loop.call_soon(reader.feed_eof)
    client = connection.Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2))
    with theirs, contextlib.closing(writer):
        yield Caller(client, reader, writer), reader


def named(*pieces: bytes, default: str = "", ends: bool = True) -> tuple[str | None, bool]:
    """The host that is asked for, and whether all that came was kept."""

    async def ask() -> tuple[str | None, bool]:
        async with calling(*pieces, ends=ends) as (caller, _):
            return await caller.named(default), caller.said == b"".join(pieces)

    return asyncio.run(ask())


def test_the_name_in_a_hello_is_found_as_we_compare_names() -> None:
    whole = hello("API.OpenAI.com")
    assert named(whole) == ("api.openai.com", True)
    assert named(*(whole[at : at + 1] for at in range(len(whole)))) == ("api.openai.com", True)


def test_a_hello_without_a_name_is_for_the_host_of_its_connect() -> None:
    assert named(hello(None), default="api.openai.com")[0] == "api.openai.com"
    assert named(hello(None))[0] == ""


@pytest.mark.parametrize(
    "said", [b"\x16\x03\x01\x02\x00", b"\x16\x03\x01\x00\x05hello", b"GET / HTTP/1.1\r\n\r\n", b""]
)
def test_what_is_no_hello_has_no_name_and_is_kept(said: bytes) -> None:
    assert named(said) == (None, True)


def test_a_hello_that_does_not_end_is_not_collected_for_ever() -> None:
    piece = b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + bytes(16380)
    assert named(*[piece] * (1 + HELLO_BYTES // len(piece)), ends=False)[0] is None


@pytest.mark.parametrize("patience", ["FIRST_BYTES_SECONDS", "HELLO_SECONDS"])
def test_one_that_is_silent_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, patience: str
) -> None:
    monkeypatch.setattr(f"idetour.proxy.caller.{patience}", 0.02)
    assert named(b"\x16\x03", ends=False) == (None, True)


@pytest.mark.parametrize("ends", [False, True])
def test_what_was_read_is_put_back_unless_its_client_has_left(ends: bool) -> None:
    async def put() -> tuple[bytes, str | None]:
        async with calling(b"CONNECT", ends=ends) as (caller, reader):
            await caller.hear()
            caller.put_back()
            return (b"" if ends else await reader.read(100)), caller.client.error

    assert asyncio.run(put()) == ((b"", "it has left") if ends else (b"CONNECT", None))
