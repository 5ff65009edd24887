"""NSS: the databases of Chromium, Electron (VS Code, Trae, Cursor …) and Firefox on Linux, one for each profile.

They read no system store. On Windows and macOS the same programs do, so there is nothing for us to do there.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from idetour.certs import roots
from idetour.certs.sets import Authority
from idetour.certs.stores.proof import Client, verdict
from idetour.certs.stores.store import Command, Store, Verdict
from idetour.errors import SetupError
from idetour.system import run

CHROMIUM = ".pki/nssdb"
PLACES = (
    CHROMIUM,
    ".local/share/pki/nssdb",  # where Chromium looks on a machine without the older folder
    "snap/*/current/.pki/nssdb",
    ".var/app/*/.pki/nssdb",  # flatpak
    ".mozilla/firefox/*",
    ".config/mozilla/firefox/*",
    "snap/firefox/common/.mozilla/firefox/*",
    ".var/app/org.mozilla.firefox/.mozilla/firefox/*",
    ".var/app/org.mozilla.firefox/config/mozilla/firefox/*",
)
PACKAGES = "libnss3-tools (Debian, Ubuntu), nss-tools (Fedora), nss (Arch) or mozilla-nss-tools (openSUSE)"


def databases() -> list[Path]:
    """Each folder with a database, as `certutil -d sql:` takes it."""
    found = (path for place in PLACES for path in sorted(Path.home().glob(place)))
    return list({path.resolve(): path for path in found if (path / "cert9.db").is_file()}.values())


def wanting() -> list[Path]:
    """The databases there shall be: where Chromium would make one, that one, too. It prefers the older folder."""
    found, either = databases(), [Path.home() / place for place in PLACES[:2]]
    return found if set(either) & set(found) or not chromium_is_here() else [*found, either[0]]


def chromium_is_here() -> bool:
    """Chromium's relatives, Electron's among them, keep a `Local State` beside their settings."""
    programs = ("chromium", "chromium-browser", "google-chrome", "code", "trae", "cursor")
    return any(map(shutil.which, programs)) or any(Path.home().glob(".config/*/Local State"))


def present() -> bool:
    return sys.platform == "linux" and bool(wanting())


def trusted(authority: Authority) -> Verdict:
    """NSS's own test client stands in for the browsers: the same library with the same database."""
    if any(not (path / "cert9.db").exists() for path in wanting()):
        return Verdict(False, "its database does not exist yet")
    if shutil.which("tstclnt"):
        return verdict(authority, [client(path) for path in databases()])
    return verified(authority)


def client(database: Path) -> Client:
    return Client(
        name=f"tstclnt with {database}",
        program=shutil.which("tstclnt"),
        arguments=lambda host, port: (
            *("-h", "127.0.0.1", "-p", str(port), "-a", host),
            *("-d", f"sql:{database}", "-V", "tls1.2:", "-Q"),
        ),
    )


def verified(authority: Authority) -> Verdict:
    """Without that client: what `certutil` thinks of the root. No handshake, and the answer says so."""
    if not shutil.which("certutil"):
        return Verdict(None, f"nothing here can ask it: install {PACKAGES}")
    for path in databases():
        if authority.name not in held(path):
            return Verdict(False, f"{path} does not hold it")
        if not run(("certutil", "-V", "-d", f"sql:{path}", "-n", authority.name, "-u", "L")).ok:
            return Verdict(False, f"refused by certutil -V with {path}")
    return Verdict(True, "said by certutil -V; no handshake was made, for lack of tstclnt")


def additions(authority: Authority) -> list[Command]:
    """Make Chromium's database if there is none, and add the root for servers (`C`) to each that lacks it."""
    certutil()
    commands = []
    for path in wanting():
        database = f"sql:{path}"
        if not (path / "cert9.db").exists():
            commands.append(Command(("mkdir", "-p", "-m", "700", str(path))))
            commands.append(Command(("certutil", "-N", "-d", database, "--empty-password")))
        elif authority.name in held(path):
            continue
        add = ("certutil", "-A", "-d", database, "-t", "C,,", "-n", authority.name, "-i", str(authority.root))
        commands.append(Command(add))
    return commands


def removals() -> list[Command]:
    """Delete every root of ours from each database. An empty one that we made stays, as Chromium makes it, too."""
    if not (paths := databases()):
        return []
    certutil()
    return [
        Command(("certutil", "-D", "-d", f"sql:{path}", "-n", name)) for path in paths for name in held(path)
    ]


def certutil() -> None:
    """Raises SetupError where it is absent, or where its files would be root's in another's home."""
    if os.name == "posix" and os.geteuid() == 0 != Path.home().stat().st_uid:
        raise SetupError(
            f"{Path.home()} is not root's: run this without sudo, which is asked for where needed."
        )
    if not shutil.which("certutil"):
        raise SetupError(f"certutil is missing, the tool for these databases: install {PACKAGES}.")


def held(database: Path) -> list[str]:
    """The names of our roots in a database."""
    return list(parsed(run(("certutil", "-L", "-d", f"sql:{database}")).check().out))


def parsed(listing: str) -> Iterator[str]:
    """The same from what `certutil -L` prints: a name, spaces, the trust in three fields, and spaces."""
    for line in listing.splitlines():
        name = line.rstrip().rpartition(" ")[0].strip()
        if roots.MARK.fullmatch(name):
            yield name


STORE = Store(
    name="nss",
    title="Chromium, Electron IDEs and Firefox on Linux (NSS)",
    after="Quit browsers and IDEs completely and start them again.",
    present=present,
    trusted=trusted,
    additions=additions,
    removals=removals,
)
