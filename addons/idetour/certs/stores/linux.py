"""The system's store on Linux: one folder of roots and one command, in four dialects.

curl, wget, Python, Go, Rust's native roots and much else read what it makes;
Chromium, Firefox and Node do not.
"""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from idetour.certs import roots
from idetour.certs.sets import Authority
from idetour.certs.stores import java
from idetour.certs.stores.proof import Client, system_program, verdict
from idetour.certs.stores.store import Command, Store, Verdict
from idetour.errors import SetupError


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a family of distributions does it."""

    title: str
    anchors: Path  # the folder for roots that the administrator adds
    update: tuple[str, ...]
    bundle: Path  # what the update makes of it
    suffix: str = ".crt"
    links: Path | None = None  # a folder with links to the roots, which an update does not clean
    keystore: Path | None = None  # a Java keystore that an update adds to and never takes from


DIALECTS = (
    Dialect(
        "Fedora, RHEL",
        Path("/etc/pki/ca-trust/source/anchors"),
        ("update-ca-trust", "extract"),
        Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
        ".pem",
    ),
    Dialect(
        "Debian, Ubuntu",
        Path("/usr/local/share/ca-certificates"),
        ("update-ca-certificates",),
        Path("/etc/ssl/certs/ca-certificates.crt"),
        links=Path("/etc/ssl/certs"),
        keystore=Path("/etc/ssl/certs/java/cacerts"),
    ),
    Dialect(
        "Arch",
        Path("/etc/ca-certificates/trust-source/anchors"),
        ("trust", "extract-compat"),
        Path("/etc/ca-certificates/extracted/tls-ca-bundle.pem"),
    ),
    Dialect(
        "SUSE",
        Path("/usr/share/pki/trust/anchors"),
        ("update-ca-certificates",),
        Path("/var/lib/ca-certificates/ca-bundle.pem"),
        ".pem",
    ),
)


def dialect(system: Path = Path("/")) -> Dialect | None:
    """The one that this system speaks, known by its folder; `system` is where its root directory is."""
    for one in DIALECTS:
        if below(system, one.anchors).is_dir():
            return replace(
                one,
                anchors=below(system, one.anchors),
                bundle=below(system, one.bundle),
                links=one.links and below(system, one.links),
                keystore=one.keystore and below(system, one.keystore),
            )
    return None


def below(system: Path, path: Path) -> Path:
    return system / path.relative_to("/")


def additions(authority: Authority, *, system: Path = Path("/")) -> list[Command]:
    """Copy the root, readable by all, and have the bundle made."""
    here = spoken(system)
    target = here.anchors / f"idetour-{authority.name[-8:]}{here.suffix}"
    return [
        Command(
            ("install", "-m", "644", str(authority.root), str(target)), elevate=not writable(here.anchors)
        ),
        Command(here.update, elevate=True),
    ]


def removals(*, system: Path = Path("/")) -> list[Command]:
    """Remove our roots and what still points to them, have the bundle made, and clean Java's.

    Debian's update leaves links to files that are gone, and Java's store as it was; its `--fresh` would
    clean the links, but writes the whole of Java's store anew.
    """
    here = spoken(system)
    anchors = [path for path in here.anchors.glob(f"*{here.suffix}") if holds_ours(path)]
    rests = [*anchors, *(links(here.links, {path.name for path in anchors}) if here.links else ())]
    commands = []
    if rests:
        rights = all(writable(path.parent) for path in rests)
        commands.append(Command(("rm", "-f", *map(str, rests)), elevate=not rights))
    if rests or holds_ours(here.bundle):
        commands.append(Command(here.update, elevate=True))
    if here.keystore and here.keystore.exists() and java.homes():
        commands += java.forgetting(here.keystore)
    return commands


def spoken(system: Path) -> Dialect:
    if found := dialect(system):
        return found
    raise SetupError("This Linux keeps its roots in no place that we know: add the file by its own tool.")


def holds_ours(path: Path) -> bool:
    """Whether a root of ours is in a PEM file."""
    try:
        return any(roots.ours(path.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return False


def links(folder: Path, anchors: set[str]) -> list[Path]:
    """The links to our roots, and the links by hash to those: both kinds lie in one folder."""
    targets = {path: path.readlink() for path in folder.iterdir() if path.is_symlink()}
    first = {
        path
        for path, target in targets.items()
        if target.name in anchors or re.fullmatch(r"idetour-[0-9a-f]{8}\.pem", path.name)
    }
    names = {path.name for path in first}
    return sorted(first | {path for path, target in targets.items() if target.name in names})


def writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK)


def clients() -> Sequence[Client]:
    """The system's own curl (OpenSSL), wget (GnuTLS on Debian) and openssl."""
    return (
        Client(
            name="curl",
            program=system_program("curl"),
            arguments=lambda host, port: (  # -q: its ~/.curlrc may say that all is to be believed
                *("-q", "-sS", "--noproxy", "*", "--max-time", "10"),
                *("--connect-to", f"{host}:443:127.0.0.1:{port}", f"https://{host}/"),
            ),
        ),
        Client(
            name="wget",
            program=system_program("wget"),
            arguments=lambda host, port: (
                *("--no-config", "-q", "-O", "/dev/null", "--tries=1", "--timeout=10"),
                *("-e", "use_proxy=yes", "-e", f"https_proxy=127.0.0.1:{port}", f"https://{host}/"),
            ),
        ),
        Client(
            name="openssl",
            program=system_program("openssl"),
            arguments=lambda host, port: (
                *("s_client", "-brief", "-connect", f"127.0.0.1:{port}", "-servername", host),
                *("-verify_hostname", host, "-verify_return_error"),
            ),
        ),
    )


def present() -> bool:
    return sys.platform == "linux" and dialect() is not None


def trusted(authority: Authority) -> Verdict:
    return verdict(authority, clients())


STORE = Store(
    name="system",
    title="Linux, the system's store",
    after="Restart programs that are running: they read the list once.",
    present=present,
    trusted=trusted,
    additions=additions,
    removals=removals,
)
