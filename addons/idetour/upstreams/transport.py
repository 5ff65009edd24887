"""The waist between us and an upstream: one method, `send`.

Everything above it (retries, fallback, commit) sees bytes and four kinds of
failure. aiohttp lies below because, beside httpx, it costs a tenth per request and
a sixth per chunk. Proxy variables are ignored on purpose: the system proxy
may be ourselves.
"""

import asyncio
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import aiohttp
from yarl import URL

from idetour.errors import SetupError
from idetour.upstreams.resolver import GuardedResolver, LoopError

CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 240.0  # most upstreams close an idle connection after 60 to 300 s
ANY_HEADER = zlib.MAX_WBITS | 32  # zlib tells gzip and deflate apart
INFLATED_LIMIT = 64 << 20  # bytes; what a compressed answer may grow to
OWN_CERTIFICATE = "OWN_CERTIFICATE"  # the reason by which `certs/outbound.py` says that we met ourselves

type Failure = Literal["connect", "connect_timeout", "first_byte_timeout", "broken", "tls", "loop"]


class TransportError(Exception):
    """The exchange failed below HTTP. `kind` decides what is tried next."""

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request, complete: nothing is added below but Host, Via and Content-Length."""

    url: str
    headers: Mapping[str, str]
    body: bytes | None
    method: str = "POST"
    proxy: str | None = None
    ca: Path | None = None
    first_byte: float = 60.0  # seconds
    changed: list[str] = field(default_factory=list, compare=False)  # in what was asked, for people


class Incoming(Protocol):
    """An answer whose head has arrived."""

    status: int
    headers: Mapping[str, str]  # names in lower case

    async def read(self) -> bytes:
        """What has arrived since the last call, at least one byte; `b""` at the end."""

    def close(self) -> None:
        """Give the connection back, or drop it when the answer was not read to its end."""


class Transport(Protocol):
    async def send(self, outgoing: Outgoing) -> Incoming: ...


@dataclass(slots=True)
class Pool:
    """Real connections, kept open between requests and shared by all clients.

    `intercepted` names the hosts that may lead back to us; `context` makes the
    TLS context for a CA file (None: the system's trust); `via` marks our requests,
    so that one which comes back is recognised (RFC 9110 §7.6.3).
    """

    intercepted: Callable[[], frozenset[str]] = frozenset
    context: Callable[[Path | None], ssl.SSLContext] = lambda ca: ssl.create_default_context(cafile=ca)
    via: str = "1.1 idetour"
    _session: aiohttp.ClientSession | None = field(default=None, init=False)
    _contexts: dict[Path | None, ssl.SSLContext] = field(default_factory=dict, init=False)

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Send and wait for the head of the answer. Raises TransportError."""
        deadline = asyncio.get_running_loop().time() + outgoing.first_byte
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._open().request(
                    outgoing.method,
                    outgoing.url,
                    headers={**outgoing.headers, "via": self.via},
                    data=outgoing.body,
                    ssl=self._context(outgoing.ca),
                    proxy=outgoing.proxy,
                    allow_redirects=False,
                )
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise failure(error, outgoing) from error
        return Answer(response, outgoing.first_byte, deadline)

    async def warm(self, url: str, *, proxy: str | None = None, ca: Path | None = None) -> None:
        """Have a connection ready for the next request to `url`; nothing is sent on it. Raises TransportError."""
        connector = self._open().connector
        assert connector is not None
        try:
            request = aiohttp.ClientRequest(
                "HEAD",
                URL(url),
                loop=asyncio.get_running_loop(),
                ssl=self._context(ca),
                proxy=URL(proxy) if proxy else None,
            )
            connection = await connector.connect(
                request, [], aiohttp.ClientTimeout(total=CONNECT_SECONDS, connect=CONNECT_SECONDS)
            )
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise failure(error, Outgoing(url=url, headers={}, body=None)) from error
        connection.release()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,  # the default of 100 would queue the 101st stream silently
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                resolver=GuardedResolver(self.intercepted),
                ttl_dns_cache=60,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),  # with DNS and TLS
                auto_decompress=False,
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                max_line_size=64 << 10,
                max_field_size=64 << 10,
            )
        return self._session

    def _context(self, ca: Path | None) -> ssl.SSLContext:
        if ca not in self._contexts:
            try:
                self._contexts[ca] = self.context(ca)
            except (OSError, SetupError) as error:
                raise TransportError(
                    "tls", f"no TLS with {ca or 'the certificates of this system'}: {error}"
                ) from error
        return self._contexts[ca]

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def failure(error: Exception, outgoing: Outgoing) -> TransportError:
    """Name what went wrong below HTTP in one sentence."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, LoopError):
        return TransportError("loop", str(cause))
    if isinstance(cause, ssl.SSLError):
        kind: Failure = "loop" if cause.reason == OWN_CERTIFICATE else "tls"
        return TransportError(kind, f"TLS failed: {plain(cause)}")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return TransportError("connect_timeout", f"no connection within {CONNECT_SECONDS:.0f} s")
    if isinstance(error, TimeoutError):
        return TransportError("first_byte_timeout", f"no answer within {outgoing.first_byte:g} s")
    if isinstance(error, ValueError):  # its words repeat the URL, and a password with it
        return TransportError("connect", "its URL, its proxy's, or a header for it is not valid")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return TransportError("connect", f"the proxy refused: {error.status} {error.message}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return TransportError("connect", f"cannot connect: {plain(cause)}")
    return TransportError("broken", f"the connection broke before an answer came: {plain(error)}")


def plain(error: BaseException) -> str:
    """An exception as words, without aiohttp's wrapping and never empty."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, aiohttp.ClientResponseError):  # its words repeat what came, and that may be a key
        return "what came is not HTTP"
    return str(error).partition(": <")[0] or type(error).__name__


@dataclass(slots=True)
class Answer:
    """An aiohttp response as `Incoming`: inflated with a cap, first byte with a deadline."""

    response: aiohttp.ClientResponse
    first_byte: float  # seconds
    deadline: float  # of the first byte, on the loop's clock
    status: int = field(init=False)
    headers: Mapping[str, str] = field(init=False)
    _inflate: "Inflater | None" = field(default=None, init=False)
    _begun: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.status = self.response.status
        self.headers = {name.lower(): value for name, value in self.response.headers.items()}

    async def read(self) -> bytes:
        try:
            while True:
                data = await (self._next() if self._begun else self._first())
                if not data or self._inflate is None:
                    return data
                if inflated := self._inflate.feed(data):
                    return inflated
        except zlib.error as error:
            raise TransportError("broken", f"the answer cannot be decompressed: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError("broken", f"the connection broke: {plain(error)}") from error

    async def _next(self) -> bytes:
        return await self.response.content.readany()

    async def _first(self) -> bytes:
        try:
            async with asyncio.timeout_at(self.deadline):
                data = await self._next()
        except TimeoutError:
            raise TransportError(
                "first_byte_timeout", f"no first byte within {self.first_byte:g} s"
            ) from None
        self._begun = True
        encoding = self.headers.get("content-encoding", "").strip().lower() or "identity"
        if encoding == "identity" and data[:1] == b"\x1f":  # gzip without saying so, seen behind CDNs
            encoding = "gzip"
        if encoding != "identity":
            self._inflate = Inflater(encoding)
        return data

    def close(self) -> None:
        if self.response.content.at_eof():
            self.response.release()
        else:
            self.response.close()


class Inflater:
    """gzip and deflate, piece by piece, with a cap on what comes out."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise TransportError("broken", f"the answer is encoded as {encoding!r}, which was not asked for")
        self._stream = zlib.decompressobj(ANY_HEADER)
        self._left = INFLATED_LIMIT

    def feed(self, data: bytes) -> bytes:
        made = bytearray()
        while data:
            made += self._stream.decompress(data, self._left - len(made) + 1)
            if len(made) > self._left:
                raise TransportError("broken", f"the compressed answer grew over {INFLATED_LIMIT >> 20} MiB")
            data = self._stream.unused_data
            if self._stream.eof:  # gzip may be several files in a row
                self._stream = zlib.decompressobj(ANY_HEADER)
        self._left -= len(made)
        return bytes(made)
