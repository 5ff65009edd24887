"""The authority that there shall be: the one that is there if it will do, else its leaves or all of it anew.

What is trusted is never given up lightly: a *renewable* authority gets fresh
leaves as long as its root covers the hosts and lives; a *sealed* one cannot,
and is replaced, which `reason` says, since trust has to be given again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from idetour import disk
from idetour.certs import chain, sets
from idetour.certs.names import normalised
from idetour.certs.sets import Authority
from idetour.certs.vault import Passphrase, from_environment
from idetour.errors import SetupError

__all__ = ["Authority", "Status", "ensure", "load", "status"]

NONE_YET = "There was no certificate authority yet."
ASKED_FOR = "Renewal was asked for."

RENEWED_BEFORE = timedelta(days=30)
"""How long before its end an authority is replaced: time enough to be told, and to give trust again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What lies in the folder, for people."""

    exists: bool
    authority: Authority | None = None  # None: absent, or damaged
    problem: str | None = None  # a whole sentence; None where all is well or nothing exists
    days_left: int | None = None
    too_open: Mapping[Path, int] = MappingProxyType({})  # private paths that others may read → mode bits


def ensure(
    folder: Path,
    hosts: Sequence[str],
    *,
    renewable: bool = False,
    afresh: bool = False,
    passphrase: Passphrase = from_environment,
    now: datetime | None = None,
) -> Authority:
    """The authority for these hosts: the one in `folder` if it will do, else one that was made now.

    With `renewable` it keeps the key that makes its leaves anew, and one that
    is sealed will not do; once renewable, it stays so. With `afresh` none will
    do as it is. `reason` says what was made, why, and whether trust must be given.
    Any number of processes may call this at once; they get the same authority.
    Raises SetupError for a host that cannot be listed, a folder that cannot be
    written, or a key that cannot be had where it is needed.
    """
    wanted, moment = normalised(hosts), now or datetime.now(UTC)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with disk.locked(folder):
            found, problem = sets.found(folder)
            problem = problem or _unfit(found, wanted, moment)
            if found and not problem and renewable and not found.key:
                problem = "The certificate authority is sealed, and a renewable one was asked for."
            problem = problem or (ASKED_FOR if afresh else None)
            if problem or found is None:
                found = _made(
                    folder,
                    wanted,
                    found,
                    str(problem),
                    renewable=renewable,
                    passphrase=passphrase,
                    now=moment,
                )
            sets.sweep(folder, keep=found)
    except OSError as error:
        raise SetupError(
            f"The certificates cannot be kept in {folder}: {error}. "
            "Make that folder yours, or choose another with IDETOUR_HOME."
        ) from error
    return found


def load(folder: Path, *, now: datetime | None = None) -> Authority | None:
    """The authority in `folder`, or None where it is absent, damaged or expired. Makes nothing."""
    found, _ = sets.found(folder)
    return found if found and (now or datetime.now(UTC)) <= found.not_after else None


def status(folder: Path, *, now: datetime | None = None) -> Status:
    """How the authority in `folder` is. Never raises for what lies there."""
    moment = now or datetime.now(UTC)
    found, problem = sets.found(folder)
    public = (sets.ROOT, sets.ISSUER)
    return Status(
        exists=found is not None or problem is not None,
        authority=found,
        problem=_unfit(found, found.hosts, moment) if found else problem,
        days_left=(found.not_after - moment).days if found else None,
        too_open=MappingProxyType(
            {path: mode for path, mode in disk.too_open(folder) if path.name not in public}
        ),
    )


def _made(
    folder: Path,
    wanted: Sequence[str],
    found: Authority | None,
    problem: str,
    *,
    renewable: bool,
    passphrase: Passphrase,
    now: datetime,
) -> Authority:
    """The same authority with fresh leaves if it can be, or else a new one of the same kind."""
    if not (found and now + RENEWED_BEFORE > found.trusted_until):
        try:
            if mended := sets.mended(folder, wanted, passphrase=passphrase, now=now):
                again = "Its certificates were made anew; its root is the same, and so is the trust in it."
                return replace(mended, reason=f"{problem} {again}")
        except SetupError as error:
            if found is None or problem == ASKED_FOR or _missing(found, wanted) or now > found.not_after:
                raise
            return replace(found, reason=f"{problem} It could not be renewed. {error}")
    kind = renewable or bool(found and found.key)
    # Hosts that were listed stay so: else two profiles with hosts of their own would undo each other's trust.
    hosts = wanted if found is None or problem == ASKED_FOR else [*dict.fromkeys([*found.hosts, *wanted])]
    made = sets.made(folder, hosts, renewable=kind, passphrase=passphrase, now=now)
    told = "Made a certificate authority" if problem == NONE_YET else f"{problem} A new one was made"
    again = "" if problem == NONE_YET else " anew"
    trust = f"Only programs that are to be intercepted have to trust it{again}: idetour cert install."
    return replace(made, reason=f"{told}; its root is {made.root}. {trust}")


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
    if missing := _missing(found, wanted):
        covered = "has no certificate for" if found.key else "may not vouch for"
        return f"The certificate authority {covered} {', '.join(missing)}."
    return None


def _missing(found: Authority, wanted: Sequence[str]) -> list[str]:
    return [host for host in wanted if host not in found.chains]
