"""Node: a list of its own, compiled in; nothing can be installed, something can be set.

What is proved is Node as this shell would start it. Electron (VS Code, Trae)
reads none of these variables; it asks the system's store and, on Linux, NSS.
"""

import os
import shutil
from collections.abc import Mapping

from idetour.certs.sets import Authority
from idetour.certs.stores.proof import Client, accepts, listening
from idetour.certs.stores.store import Store, Verdict

SETTINGS = ("NODE_EXTRA_CA_CERTS", "NODE_USE_SYSTEM_CA", "NODE_OPTIONS")
HANDSHAKE = """
const [host, port] = process.argv.slice(1);
require('tls').connect({host: '127.0.0.1', port, servername: host}, () => process.exit(0))
  .on('error', () => process.exit(1));
"""


def present() -> bool:
    return shutil.which("node") is not None


def client(settings: Mapping[str, str]) -> Client:
    return Client(
        name="node",
        program=shutil.which("node"),
        arguments=lambda host, port: ("-e", HANDSHAKE, "--", host, str(port)),
        environment=settings,
    )


def cures(authority: Authority) -> list[dict[str, str]]:
    """What may be set, the most general first: the system's roots, in three ways of three ages; then ours alone."""
    return [
        {"NODE_USE_SYSTEM_CA": "1"},
        {"NODE_OPTIONS": "--use-system-ca"},
        {"NODE_OPTIONS": "--use-openssl-ca"},
        {"NODE_EXTRA_CA_CERTS": str(authority.root)},
    ]


def trusted(authority: Authority) -> Verdict:
    """As it is now; and where it refuses, the first setting that was seen to cure it."""
    own = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    host = authority.hosts[0]
    with listening(authority) as listener:
        if (now := accepts(client(own), host, listener)) is not False:
            return Verdict(now, "proved by node" if now else "node cannot be asked")
        for cure in cures(authority):
            if accepts(client(own | cure), host, listener):
                words = " ".join(f"{name}={value}" for name, value in cure.items())
                return Verdict(False, f"refused by node; set {words} (tried: it then accepts)")
    return Verdict(False, "refused by node, with every setting that we know")


STORE = Store(
    name="node",
    title="Node, what runs on it from a terminal",
    after="Set it in the terminal, or in the settings, that starts the program.",
    present=present,
    trusted=trusted,
    installs=False,
)
