"""Where a renewable authority keeps its key: the system's keyring, or else a file closed to others.

The keyring is used where the package `keyring` is installed and finds one. A
file can be locked with a passphrase: typed, or from IDETOUR_CA_PASSPHRASE.
"""

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from idetour import disk, keychain
from idetour.errors import SetupError

FILE = "issuer.key"
VARIABLE = "IDETOUR_CA_PASSPHRASE"

type Passphrase = Callable[[str], str | None]
"""Answers a question, such as “Passphrase of the authority's key”. None or empty: there is none."""


def from_environment(_question: str = "") -> str | None:
    """The passphrase where nobody can be asked."""
    return os.environ.get(VARIABLE)


def keep(folder: Path, key: ec.EllipticCurvePrivateKey, *, passphrase: Passphrase = from_environment) -> None:
    """Keep the key of the set in `folder`. A passphrase in the environment asks for the file."""
    if not from_environment() and keychain.keep(folder.name, _pem(key, None).decode()):
        return
    secret = from_environment() or passphrase("A passphrase for the authority's key (empty for none)")
    disk.replace(folder / FILE, _pem(key, secret))


def fetch(folder: Path, *, passphrase: Passphrase = from_environment) -> ec.EllipticCurvePrivateKey | None:
    """The key of the set in `folder`, or None where it is lost.

    Raises SetupError where it is there and cannot be used: locked, or a wrong passphrase.
    """
    path = folder / FILE
    if not path.exists():
        stored = keychain.fetch(folder.name)
        return _loaded(stored.encode(), None) if stored else None
    pem = path.read_bytes()
    if b"ENCRYPTED" not in pem:
        return _loaded(pem, None)
    if not (secret := from_environment() or passphrase("The passphrase of the authority's key")):
        raise SetupError(
            f"The authority's key in {path} has a passphrase. Run `idetour cert renew` and type it, or set {VARIABLE}."
        )
    if key := _loaded(pem, secret.encode()):
        return key
    raise SetupError(f"That is not the passphrase of the authority's key in {path}.")


def forget(folder: Path) -> None:
    """Remove the key of a set. Harmless where there is none."""
    (folder / FILE).unlink(missing_ok=True)
    keychain.forget(folder.name)


def place(folder: Path) -> str:
    """Where the key of a set is, for people."""
    path = folder / FILE
    if not path.exists():
        return "the system's keyring"
    return f"{path}, {'with' if b'ENCRYPTED' in path.read_bytes() else 'without'} a passphrase"


def _pem(key: ec.EllipticCurvePrivateKey, secret: str | None) -> bytes:
    lock = serialization.BestAvailableEncryption(secret.encode()) if secret else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _loaded(pem: bytes, secret: bytes | None) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(pem, password=secret)
    except ValueError:
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None
