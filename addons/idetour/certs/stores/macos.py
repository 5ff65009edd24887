"""macOS: the System keychain, trusted for TLS. The login keychain is not enough for every program."""

import shutil
import sys
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from idetour.certs import roots
from idetour.certs.sets import Authority
from idetour.certs.stores.proof import UNPROVED
from idetour.certs.stores.store import Command, Store, Verdict
from idetour.system import run

KEYCHAIN = "/Library/Keychains/System.keychain"


def present() -> bool:
    return sys.platform == "darwin"


def trusted(authority: Authority) -> Verdict:
    """Asked of the system's own judge, on the chain that we serve; -L: without the network."""
    if not shutil.which("security"):
        return UNPROVED
    host = authority.hosts[0]
    with tempfile.TemporaryDirectory(prefix="idetour-") as folder:
        command = judging(host, served(authority.chains[host], Path(folder)))
        accepted = run(command).ok
    return Verdict(accepted, f"{'said' if accepted else 'refused'} by security verify-cert")


def judging(host: str, files: list[Path]) -> tuple[str, ...]:
    given = (word for path in files for word in ("-c", str(path)))
    return ("security", "verify-cert", *given, "-p", "ssl", "-s", host, "-L")


def served(pem: Path, folder: Path) -> list[Path]:
    """Leaf and intermediate, each in a file, without the key."""
    paths = []
    for number, certificate in enumerate(x509.load_pem_x509_certificates(pem.read_bytes())):
        paths.append(folder / f"{number}.pem")
        paths[-1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return paths


def additions(authority: Authority) -> list[Command]:
    """One command, for TLS servers alone. Only sudo works: the graphical way is refused since macOS 15."""
    settings = ("-d", "-r", "trustRoot", "-p", "ssl", "-k", KEYCHAIN)
    return [Command(("security", "add-trusted-cert", *settings, str(authority.root)), elevate=True)]


def removals() -> list[Command]:
    """For each root of ours the trust in it and then itself. Settings that are gone already are no error."""
    listing = run(("security", "find-certificate", "-a", "-p", KEYCHAIN)).out
    commands = []
    for _, root in roots.ours(listing):
        digest = roots.sha1(root).upper()
        path = Path(tempfile.gettempdir()) / f"idetour-{digest}.pem"
        path.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        commands += [
            Command(("security", "remove-trusted-cert", "-d", str(path)), elevate=True, may_fail=True),
            Command(("security", "delete-certificate", "-Z", digest, KEYCHAIN), elevate=True),
        ]
    return commands


STORE = Store(
    name="macos",
    title="macOS, the System keychain",
    after="Quit browsers and IDEs completely and start them again.",
    present=present,
    trusted=trusted,
    additions=additions,
    removals=removals,
)
