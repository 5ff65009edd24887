"""Proof that a program trusts us, or does not: its own TLS handshake with a listener of ours.

A file in the right folder proves nothing: half of all failures are stores
that were “installed” and are not read. So the program itself is asked, for a
host of the list, against a server on 127.0.0.1 that shows our certificate.
"""

import os
import re
import shutil
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import MSG_PEEK, socket

from idetour.certs.sets import Authority
from idetour.certs.stores.store import Verdict

TIMEOUT = 20.0  # seconds; a JVM that compiles takes three on a slow machine
MISLEADING = re.compile(r"(SSL_CERT_|CURL_|REQUESTS_|NODE_|JAVA_TOOL_|JDK_JAVA_|.*_PROXY$)", re.IGNORECASE)
"""What would make a program trust, or ask, something else than its store."""

UNPROVED = Verdict(None, "no client on this machine to prove it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A program that makes one handshake with host HOST at 127.0.0.1:PORT, and ends with 0 if it trusts."""

    name: str
    program: str | None  # its path; None: absent
    arguments: Callable[[str, int], Sequence[str]]  # of HOST and PORT
    environment: Mapping[str, str] = field(default_factory=dict)  # over one without MISLEADING


def verdict(authority: Authority, clients: Sequence[Client]) -> Verdict:
    """What the clients say together: trusted only if all that are here trust."""
    with listening(authority) as listener:
        answers = {client.name: accepts(client, authority.hosts[0], listener) for client in clients}
    refusing = [name for name, answer in answers.items() if answer is False]
    if refusing:
        return Verdict(False, f"refused by {listed(refusing)}")
    accepting = [name for name, answer in answers.items() if answer]
    return Verdict(True, f"proved by {listed(accepting)}") if accepting else UNPROVED


def accepts(client: Client, host: str, listener: "Listener") -> bool | None:
    """Whether the client trusts what the listener shows. None: it is absent, or never came."""
    if client.program is None:
        return None
    met = listener.met
    kept = {name: value for name, value in os.environ.items() if not MISLEADING.match(name)}
    command = [client.program, *client.arguments(host, listener.port)]
    try:
        ended = subprocess.run(
            command,
            env={**kept, **client.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.returncode == 0 if listener.met > met else None


def system_program(name: str) -> str | None:
    """The system's own program of this name, not one from a Conda or Homebrew that trusts other roots."""
    return shutil.which(name, path=os.defpath if os.name == "posix" else None)


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


class Listener(socketserver.ThreadingTCPServer):
    """Shows one chain, answers 200 to all; counts who came. A CONNECT before the handshake is accepted."""

    daemon_threads = True

    def __init__(self, chain: Path, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Visit)
        self.port: int = self.server_address[1]
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(chain)
        self.met = 0  # connections on which a client began to speak


class _Visit(socketserver.BaseRequestHandler):
    server: Listener
    request: socket

    def handle(self) -> None:
        self.request.settimeout(TIMEOUT)
        with suppress(OSError):  # a client that refuses, which is what we want to know
            if not (first := self.request.recv(1, MSG_PEEK)):
                return
            self.server.met += 1
            if first == b"C":  # CONNECT: for clients that can be told of a proxy, but of no address
                _read_head(self.request)
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with self.server.tls.wrap_socket(self.request, server_side=True) as tls:
                if _read_head(tls):
                    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def _read_head(connection: socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and (more := connection.recv(4096)):
        head += more
    return head


@contextmanager
def listening(authority: Authority) -> Iterator[Listener]:
    """A listener on a free port of 127.0.0.1 with the certificate of the first host."""
    with Listener(authority.chains[authority.hosts[0]]) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()
