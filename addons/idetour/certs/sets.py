"""The authority in its folder: `root.pem`, to be trusted, and the leaves that are served.

    root.pem                  public, and the one fixed path; its hash names the set that belongs to it
    set-<16 hex>/<host>.pem   private: leaf key, leaf, intermediate, as `mitmproxy --certs host=path` wants
    set-<16 hex>/issuer.*     renewable only: the intermediate, and its key unless a keyring has it
    lock                      held while the set is looked at and replaced

A set is written under a name that nothing refers to yet; replacing `root.pem` is
the one step that makes it the current one. A crash leaves the old set or the new.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from idetour import disk
from idetour.certs import chain, vault
from idetour.errors import SetupError

ROOT = "root.pem"
ISSUER = "issuer.pem"  # no host can have that name: a host has a dot


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A whole set of files, read and verified."""

    folder: Path
    root: Path  # the certificate to trust; public
    chains: Mapping[str, Path]  # host → PEM file of leaf key, leaf, intermediate
    hosts: tuple[str, ...]
    name: str  # the root's common name, as trust stores show it
    profile: int  # the version of the rules it was made by
    not_before: datetime
    not_after: datetime  # of the leaf that ends first
    trusted_until: datetime  # of the root
    fingerprint: str  # SHA-256 of the root, in hex
    issuer_spki: frozenset[str]  # SHA-256 of the public keys of root and intermediate, in hex
    issuer_ids: frozenset[bytes] = field(repr=False)  # their key identifiers, as our leaves name them
    key: str | None = None  # where the key is that renews it, for people; None: it is sealed
    reason: str | None = None  # why it, or its leaves, were made just now; None: all was there


UNREADABLE = (
    *(OSError, ValueError, TypeError),  # TypeError: a key that asks for a password
    *(UnsupportedAlgorithm, VerificationError, x509.ExtensionNotFound, x509.DuplicateExtension),
)


class _Damaged(Exception):
    """The files cannot be served; the text says which and why."""


def found(folder: Path) -> tuple[Authority | None, str | None]:
    """The authority, or why it cannot be used. A second look tells damage from a set being replaced."""
    try:
        return _read(folder), None
    except _Damaged:
        pass
    try:
        return _read(folder), None
    except _Damaged as damage:
        return None, str(damage)


def made(
    folder: Path, hosts: Sequence[str], *, renewable: bool, passphrase: vault.Passphrase, now: datetime
) -> Authority:
    """A new authority in place of whatever was there. Raises OSError and SetupError."""
    if renewable:
        root, issuer = chain.renewable(hosts, now=now)
        files = {host: chain.served(issuer, host, now=now) for host in hosts}
    else:
        root, files = chain.sealed(hosts, now=now)
    fresh = _set_folder(folder, root)
    fresh.mkdir(mode=0o700)
    if renewable:
        vault.keep(fresh, issuer.key, passphrase=passphrase)
        disk.create(fresh / ISSUER, issuer.certificate.public_bytes(serialization.Encoding.PEM))
    for host, pem in files.items():
        disk.create(fresh / f"{host}.pem", pem)
    disk.sync(fresh)
    path = disk.create(folder / f"{fresh.name}.new", root.public_bytes(serialization.Encoding.PEM))
    path.replace(folder / ROOT)
    disk.sync(folder)
    return _again(folder)


def mended(
    folder: Path, hosts: Sequence[str], *, passphrase: vault.Passphrase, now: datetime
) -> Authority | None:
    """The same authority with fresh leaves, for these hosts too; None where it is sealed or may not list them.

    Raises SetupError where its key is there and cannot be used, and OSError.
    """
    try:
        root = x509.load_pem_x509_certificate((folder / ROOT).read_bytes())
        current = _set_folder(folder, root)
        certificate = x509.load_pem_x509_certificate((current / ISSUER).read_bytes())
        certificate.verify_directly_issued_by(root)
        listed, profile = chain.hosts_of(root), chain.profile_of(root)
    except (*UNREADABLE, InvalidSignature):
        return None
    within = all(host.endswith(tuple(f".{name}" for name in listed)) or host in listed for host in hosts)
    alive = root.not_valid_before_utc <= now < root.not_valid_after_utc
    if not (within and alive and profile == chain.PROFILE):
        return None
    key = vault.fetch(current, passphrase=passphrase)
    if key is None or key.public_key() != certificate.public_key():
        return None
    issuer = chain.Identity(certificate, key)
    for host in dict.fromkeys([*listed, *_further(current), *hosts]):
        disk.replace(current / f"{host}.pem", chain.served(issuer, host, now=now))
    disk.sync(current)
    return _again(folder)


def sweep(folder: Path, *, keep: Authority) -> None:
    """Remove what earlier sets and interrupted attempts left: leaf keys that serve no one."""
    current = next(iter(keep.chains.values())).parent
    for path in folder.glob("set-*"):
        if path.suffix == ".new":
            path.unlink()
        elif path != current:
            vault.forget(path)
            shutil.rmtree(path)


def _again(folder: Path) -> Authority:
    """What was just written, read as everybody will read it."""
    authority, problem = found(folder)
    if authority is None:
        raise SetupError(f"A certificate authority was written to {folder} and is not there. {problem or ''}")
    return authority


def _read(folder: Path) -> Authority | None:
    """The set that `root.pem` names. None: there is no root. Raises _Damaged."""
    path = folder / ROOT
    try:
        root = x509.load_pem_x509_certificate(path.read_bytes())
        profile, listed = chain.profile_of(root), chain.hosts_of(root)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise _damaged(path, error) from error
    current = _set_folder(folder, root)
    chains = {host: current / f"{host}.pem" for host in dict.fromkeys([*listed, *_further(current)])}
    verified = [_verified(path, host, root) for host, path in chains.items()]
    issuers = {root, *(intermediate for _, intermediate in verified)}
    return Authority(
        folder=folder,
        root=path,
        chains=MappingProxyType(chains),
        hosts=tuple(chains),
        name=chain.common_name(root),
        profile=profile,
        not_before=root.not_valid_before_utc,
        not_after=min(leaf.not_valid_after_utc for leaf, _ in verified),
        trusted_until=root.not_valid_after_utc,
        fingerprint=root.fingerprint(hashes.SHA256()).hex(),
        issuer_spki=frozenset(map(_spki, issuers)),
        issuer_ids=frozenset(map(chain.key_id, issuers)),
        key=vault.place(current) if (current / ISSUER).exists() else None,
    )


def _verified(path: Path, host: str, root: x509.Certificate) -> tuple[x509.Certificate, x509.Certificate]:
    """The leaf and intermediate in a file, after asking what a client would. Raises _Damaged."""
    try:
        pem = path.read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
        leaf, intermediate = x509.load_pem_x509_certificates(pem)
        if key.public_key() != leaf.public_key():
            raise ValueError("the key is not the certificate's")
        # Dates are another question: an expired set is whole, and can be shown.
        policy = PolicyBuilder().store(Store([root])).time(leaf.not_valid_before_utc)
        policy.build_server_verifier(x509.DNSName(host)).verify(leaf, [intermediate])
    except UNREADABLE as error:
        raise _damaged(path, error) from error
    return leaf, intermediate


def _further(current: Path) -> list[str]:
    """The hosts in a set that its root covers without naming them."""
    return sorted(path.stem for path in current.glob("*.pem") if path.name != ISSUER)


def _damaged(path: Path, error: Exception) -> _Damaged:
    why = error.strerror if isinstance(error, OSError) else error
    return _Damaged(f"The certificate authority is damaged: {path}: {why}.")


def _spki(certificate: x509.Certificate) -> str:
    encoding, kind = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(certificate.public_key().public_bytes(encoding, kind)).hexdigest()


def _set_folder(folder: Path, root: x509.Certificate) -> Path:
    return folder / f"set-{root.fingerprint(hashes.SHA256()).hex()[:16]}"
