"""The authority in its folder: `root.pem`, to be trusted, and the leaves that are served.

    root.pem                  public, and the one fixed path; its hash names the set that belongs to it
    set-<16 hex>/<host>.pem   private: leaf key, leaf, intermediate, as `mitmproxy --certs host=path` wants
    lock                      held while the set is looked at and replaced

A set is written under a name that nothing refers to yet; replacing `root.pem` is
the one step that makes it the current one. A crash leaves the old set or the new.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from idetour.certs import chain, disk
from idetour.certs.names import normalised
from idetour.errors import SetupError

ROOT = "root.pem"
NONE_YET = "There was no certificate authority yet."

RENEWED_BEFORE = timedelta(days=30)
"""How long before its end an authority is replaced: time enough to be told, and to give trust again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A whole set of files, read and verified."""

    folder: Path
    root: Path  # the certificate to trust; public
    chains: Mapping[str, Path]  # host → PEM file of leaf key, leaf, intermediate
    hosts: tuple[str, ...]
    profile: int  # the version of the rules it was made by
    not_before: datetime
    not_after: datetime  # of the leaf that ends first
    fingerprint: str  # SHA-256 of the root, in hex
    issuer_spki: frozenset[str]  # SHA-256 of the public keys of root and intermediate, in hex
    issuer_ids: frozenset[bytes] = field(repr=False)  # their key identifiers, as our leaves name them
    reason: str | None = None  # why `ensure` made it just now; None: it was there


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What lies in the folder, for people."""

    exists: bool
    authority: Authority | None = None  # None: absent, or damaged
    problem: str | None = None  # a whole sentence; None where all is well or nothing exists
    days_left: int | None = None
    too_open: Mapping[Path, int] = MappingProxyType({})  # private paths that others may read → mode bits


UNREADABLE = (
    *(OSError, ValueError, TypeError),  # TypeError: a key that asks for a password
    *(UnsupportedAlgorithm, VerificationError, x509.ExtensionNotFound, x509.DuplicateExtension),
)


class _Damaged(Exception):
    """The files cannot be served; the text says which and why."""


def ensure(folder: Path, hosts: Sequence[str], *, now: datetime | None = None) -> Authority:
    """The authority for these hosts: the one in `folder` if it will do, else a new one in its place.

    Where one was made, `reason` says why, and trust must be given to its root.
    Any number of processes may call this at once; they get the same authority.
    Raises SetupError for a host that cannot be listed or a folder that cannot be written.
    """
    wanted, moment = normalised(hosts), now or datetime.now(UTC)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with disk.locked(folder):
            found, problem = _found(folder)
            problem = problem or _unfit(found, wanted, moment)
            if problem or found is None:
                found = _made(folder, wanted, now=moment)
            _sweep(folder, keep=found)
    except OSError as error:
        raise SetupError(
            f"The certificates cannot be kept in {folder}: {error}. "
            "Make that folder yours, or choose another with IDETOUR_HOME."
        ) from error
    return replace(found, reason=_reason(problem, found.root)) if problem else found


def load(folder: Path, *, now: datetime | None = None) -> Authority | None:
    """The authority in `folder`, or None where it is absent, damaged or expired. Makes nothing."""
    found, _ = _found(folder)
    return found if found and (now or datetime.now(UTC)) <= found.not_after else None


def status(folder: Path, *, now: datetime | None = None) -> Status:
    """How the authority in `folder` is. Never raises for what lies there."""
    moment = now or datetime.now(UTC)
    found, problem = _found(folder)
    return Status(
        exists=found is not None or problem is not None,
        authority=found,
        problem=_unfit(found, found.hosts, moment) if found else problem,
        days_left=(found.not_after - moment).days if found else None,
        too_open=MappingProxyType({path: mode for path, mode in disk.too_open(folder) if path.name != ROOT}),
    )


def _unfit(found: Authority | None, wanted: Sequence[str], now: datetime) -> str | None:
    if found is None:
        return NONE_YET
    if now > found.not_after:
        return f"The certificate authority expired on {found.not_after:%Y-%m-%d}."
    if now + RENEWED_BEFORE > found.not_after:
        return f"The certificate authority expires on {found.not_after:%Y-%m-%d}."
    if now < found.not_before:
        return f"The certificate authority is valid only from {found.not_before:%Y-%m-%d}: look at the clock."
    if found.profile != chain.PROFILE:
        return f"The certificate authority follows rules {found.profile}; they are now at {chain.PROFILE}."
    if missing := [host for host in wanted if host not in found.chains]:
        return f"The certificate authority may not vouch for {', '.join(missing)}."
    return None


def _reason(problem: str, root: Path) -> str:
    again = "" if problem == NONE_YET else " again"
    return f"{problem} A new one was made, and trust must be given{again}: its root is {root}."


def _found(folder: Path) -> tuple[Authority | None, str | None]:
    """The authority, or why it cannot be used. A second look tells damage from a set being replaced."""
    try:
        return _read(folder), None
    except _Damaged:
        pass
    try:
        return _read(folder), None
    except _Damaged as damage:
        return None, str(damage)


def _read(folder: Path) -> Authority | None:
    """The set that `root.pem` names. None: there is no root. Raises _Damaged."""
    path = folder / ROOT
    try:
        root = x509.load_pem_x509_certificate(path.read_bytes())
        profile, hosts = chain.profile_of(root), chain.hosts_of(root)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise _damaged(path, error) from error
    chains = {host: _set_folder(folder, root) / f"{host}.pem" for host in hosts}
    verified = [_verified(path, host, root) for host, path in chains.items()]
    issuers = {root, *(intermediate for _, intermediate in verified)}
    return Authority(
        folder=folder,
        root=path,
        chains=MappingProxyType(chains),
        hosts=hosts,
        profile=profile,
        not_before=root.not_valid_before_utc,
        not_after=min(leaf.not_valid_after_utc for leaf, _ in verified),
        fingerprint=root.fingerprint(hashes.SHA256()).hex(),
        issuer_spki=frozenset(map(_spki, issuers)),
        issuer_ids=frozenset(map(chain.key_id, issuers)),
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


def _damaged(path: Path, error: Exception) -> _Damaged:
    why = error.strerror if isinstance(error, OSError) else error
    return _Damaged(f"The certificate authority is damaged: {path}: {why}.")


def _spki(certificate: x509.Certificate) -> str:
    encoding, kind = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(certificate.public_key().public_bytes(encoding, kind)).hexdigest()


def _set_folder(folder: Path, root: x509.Certificate) -> Path:
    return folder / f"set-{root.fingerprint(hashes.SHA256()).hex()[:16]}"


def _made(folder: Path, hosts: Sequence[str], *, now: datetime) -> Authority:
    root, files = chain.sealed(hosts, now=now)
    fresh = _set_folder(folder, root)
    fresh.mkdir(mode=0o700)
    for host, pem in files.items():
        disk.create(fresh / f"{host}.pem", pem)
    disk.sync(fresh)
    path = disk.create(folder / f"{fresh.name}.new", root.public_bytes(serialization.Encoding.PEM))
    path.replace(folder / ROOT)
    disk.sync(folder)
    found, problem = _found(folder)
    if found is None:
        raise SetupError(f"A certificate authority was written to {folder} and is not there. {problem or ''}")
    return found


def _sweep(folder: Path, *, keep: Authority) -> None:
    """Remove what earlier sets and interrupted attempts left: leaf keys that serve no one."""
    current = next(iter(keep.chains.values())).parent
    for path in folder.glob("set-*"):
        if path.suffix == ".new":
            path.unlink()
        elif path != current:
            shutil.rmtree(path)
