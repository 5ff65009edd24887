"""Java: each JVM brings a keystore, `cacerts`, and reads no other. Not changed unless it is named.

JetBrains' IDEs ask the system as well; what runs on a plain JVM does not.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from idetour.certs import roots
from idetour.certs.sets import Authority
from idetour.certs.stores.proof import Client, verdict
from idetour.certs.stores.store import Command, Store, Verdict
from idetour.system import run

PASSWORD = "changeit"  # Java's own, the same everywhere, and no secret
PLACES = {
    "linux": ("/usr/lib/jvm/*", "/usr/java/*", "/opt/java/*"),
    "darwin": ("/Library/Java/JavaVirtualMachines/*/Contents/Home",),
    "win32": (r"C:\Program Files\Java\*", r"C:\Program Files\Eclipse Adoptium\*"),
}
HANDSHAKE = Path(__file__).with_name("Handshake.java")


def homes() -> dict[Path, Path]:
    """Keystore → home of one JVM that uses it; several may share one."""
    found: dict[Path, Path] = {}
    for home in candidates():
        keystore = (home / "lib" / "security" / "cacerts").resolve()
        if keystore.is_file() and shutil.which("keytool", path=home / "bin"):
            found.setdefault(keystore, home)
    return found


def candidates() -> Iterator[Path]:
    if chosen := os.environ.get("JAVA_HOME"):
        yield Path(chosen)
    if program := shutil.which("java"):
        yield Path(program).resolve().parents[1]
    for pattern in PLACES.get(sys.platform, ()):
        anchor = Path(Path(pattern).anchor)
        yield from sorted(anchor.glob(str(Path(pattern).relative_to(anchor))))


def present() -> bool:
    return bool(homes())


def trusted(authority: Authority) -> Verdict:
    """Asked of a JVM for each keystore. One without a compiler (a JRE) cannot be asked."""
    return verdict(authority, [client(home) for home in homes().values()])


def client(home: Path) -> Client:
    compiler = (home / "jmods" / "jdk.compiler.jmod").exists() or (home / "bin" / "javac").exists()
    return Client(
        name=f"Java in {home.name}",
        program=shutil.which("java", path=home / "bin") if compiler else None,
        arguments=lambda host, port: ("-XX:TieredStopAtLevel=1", str(HANDSHAKE), host, str(port)),
    )


def additions(authority: Authority) -> list[Command]:
    """For each keystore that lacks it: import the root under its own name."""
    return [
        command(
            keystore,
            *("-importcert", "-noprompt", "-trustcacerts"),
            *("-alias", authority.name, "-file", str(authority.root)),
        )
        for keystore in homes()
        if authority.fingerprint not in held(keystore).values()
    ]


def removals() -> list[Command]:
    return [each for keystore in homes() for each in forgetting(keystore)]


def forgetting(keystore: Path) -> list[Command]:
    """Delete every root of ours from one keystore."""
    return [command(keystore, "-delete", "-alias", alias) for alias in held(keystore)]


def held(keystore: Path) -> dict[str, str]:
    """Our roots in a keystore: alias → SHA-256 in hex."""
    return parsed(run(command(keystore, "-list", "-rfc").words).check().out)


def parsed(listing: str) -> dict[str, str]:
    """The same from what `keytool -list -rfc` prints: in some language name, date and kind, then the PEM."""
    entries = {}
    for start, root in roots.ours(listing):
        heading = [line for line in listing[:start].splitlines()[-6:] if line.strip()][-3:]
        entries[heading[0].partition(":")[2].strip()] = root.fingerprint(hashes.SHA256()).hex()
    return entries


def command(keystore: Path, *words: str) -> Command:
    home = homes().get(keystore.resolve()) or next(iter(homes().values()))
    keytool = str(shutil.which("keytool", path=home / "bin"))
    # The folder counts too: keytool writes a new file and puts it in the old one's place.
    rights = os.access(keystore, os.W_OK) and os.access(keystore.parent, os.W_OK)
    return Command(
        (keytool, *words, "-keystore", str(keystore), "-storepass", PASSWORD),
        elevate="-list" not in words and not rights,
    )


STORE = Store(
    name="java",
    title="Java, the keystore of each JVM",
    after="Restart Java programs.",
    present=present,
    trusted=trusted,
    additions=additions,
    removals=removals,
    unasked=False,
)
