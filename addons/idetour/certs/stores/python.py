"""Python: its `ssl` trusts the system (on Linux), httpx and requests bring a list of their own; nothing to install.

What is proved is the `python3` of this shell, as this shell would start it.
"""

import os
import shutil
import sys
from pathlib import Path

from idetour.certs.sets import Authority
from idetour.certs.stores import linux
from idetour.certs.stores.proof import Client, accepts, listening
from idetour.certs.stores.store import Store, Verdict

SETTINGS = ("SSL_CERT_FILE", "SSL_CERT_DIR")
HANDSHAKE = """
import socket, ssl, sys
plain = socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=10)
ssl.create_default_context().wrap_socket(plain, server_hostname=sys.argv[1])
"""


def program() -> str | None:
    return shutil.which("python3") or shutil.which("python") or sys.executable


def present() -> bool:
    return program() is not None


def client(settings: dict[str, str]) -> Client:
    return Client(
        name="python3",
        program=program(),
        arguments=lambda host, port: ("-c", HANDSHAKE, host, str(port)),
        environment=settings,
    )


def cures(authority: Authority) -> list[Path]:
    """Files for SSL_CERT_FILE: the system's list if it has our root, for then it is right for every host."""
    here = linux.dialect() if sys.platform == "linux" else None
    whole = [here.bundle] if here and here.bundle.exists() else []
    return [*whole, authority.root]


def trusted(authority: Authority) -> Verdict:
    """As it is now; and where it refuses, the first setting that was seen to cure it."""
    own = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    host = authority.hosts[0]
    with listening(authority) as listener:
        if (now := accepts(client(own), host, listener)) is not False:
            return Verdict(now, "proved by python3" if now else "python3 cannot be asked")
        for file in cures(authority):
            if accepts(client({"SSL_CERT_FILE": str(file)}), host, listener):
                return Verdict(
                    False, f"refused by python3; set SSL_CERT_FILE={file} (tried: it then accepts)"
                )
    return Verdict(False, "refused by python3, with every setting that we know")


STORE = Store(
    name="python",
    title="Python, its ssl module",
    after="Programs with certifi (requests, older httpx) need SSL_CERT_FILE and REQUESTS_CA_BUNDLE in any case.",
    present=present,
    trusted=trusted,
    installs=False,
)
