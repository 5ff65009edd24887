"""A renewable authority: fresh leaves for what its root covers, and trust that stays."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from idetour.certs import Authority, ensure, load, sets, status, vault
from idetour.errors import SetupError

HOSTS = ("api.openai.com", "api.anthropic.com")
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "certs"


@pytest.fixture
def made(folder: Path) -> Authority:
    return ensure(folder, HOSTS, renewable=True, now=NOW)


def leaf(authority: Authority, host: str = HOSTS[0]) -> x509.Certificate:
    return x509.load_pem_x509_certificates(authority.chains[host].read_bytes())[0]


def test_its_leaves_live_ninety_days_and_its_root_two_years(made: Authority) -> None:
    assert made.not_after - NOW <= 90 * DAY < made.not_after - NOW + DAY
    assert made.trusted_until - NOW > 700 * DAY
    assert made.key is not None
    assert ensure(made.folder, HOSTS).reason is None


def test_its_key_is_as_closed_as_the_leaves(made: Authority) -> None:
    current = made.chains[HOSTS[0]].parent
    assert stat.S_IMODE((current / vault.FILE).stat().st_mode) == 0o600
    assert status(made.folder).too_open == {}


def test_thirty_days_before_their_end_the_leaves_are_made_anew_and_trust_stays(made: Authority) -> None:
    later = made.not_after - 29 * DAY
    renewed = ensure(made.folder, HOSTS, now=later)
    assert renewed.fingerprint == made.fingerprint
    assert renewed.not_after > made.not_after + 50 * DAY
    assert "expires on" in str(renewed.reason)
    assert "so is the trust in it" in str(renewed.reason)


def test_expired_leaves_are_renewed_too(made: Authority) -> None:
    renewed = ensure(made.folder, HOSTS, now=made.not_after + 100 * DAY)
    assert renewed.fingerprint == made.fingerprint


def test_near_the_end_of_the_root_all_is_new_and_of_the_same_kind(made: Authority) -> None:
    renewed = ensure(made.folder, HOSTS, now=made.trusted_until - 29 * DAY)
    assert renewed.fingerprint != made.fingerprint
    assert renewed.key is not None
    assert "have to trust it anew" in str(renewed.reason)


def test_no_leaf_outlives_the_root(made: Authority) -> None:
    renewed = ensure(made.folder, HOSTS, now=made.trusted_until - 60 * DAY)
    assert renewed.fingerprint == made.fingerprint
    assert renewed.not_after == made.trusted_until


def test_a_host_below_a_listed_one_gets_a_leaf_without_new_trust(made: Authority) -> None:
    wider = ensure(made.folder, ["eu.api.openai.com"])
    assert wider.fingerprint == made.fingerprint
    assert set(wider.hosts) == {*HOSTS, "eu.api.openai.com"}
    assert load(made.folder) == ensure(made.folder, wider.hosts)


@pytest.mark.parametrize("host", ["openrouter.ai", "xapi.openai.com", "openai.com"])
def test_a_host_beyond_the_listed_ones_needs_new_trust_and_the_others_stay(
    host: str, made: Authority
) -> None:
    wider = ensure(made.folder, [host])
    assert wider.fingerprint != made.fingerprint
    assert wider.hosts == (*HOSTS, host)
    assert wider.key is not None
    assert "have to trust it anew" in str(wider.reason)


def test_a_damaged_leaf_is_made_anew_without_new_trust(made: Authority) -> None:
    made.chains[HOSTS[1]].write_text("rubbish")
    mended = ensure(made.folder, HOSTS)
    assert mended.fingerprint == made.fingerprint
    assert "damaged" in str(mended.reason)


def test_renewal_on_request_changes_leaves_and_not_the_root(made: Authority) -> None:
    before = leaf(made)
    renewed = ensure(made.folder, HOSTS, afresh=True)
    assert renewed.fingerprint == made.fingerprint
    assert leaf(renewed).serial_number != before.serial_number


def test_renewal_on_request_of_a_sealed_authority_is_a_new_one(folder: Path) -> None:
    sealed = ensure(folder, HOSTS)
    renewed = ensure(folder, HOSTS, afresh=True)
    assert renewed.fingerprint != sealed.fingerprint
    assert renewed.key is None


def test_a_sealed_authority_gives_way_to_a_renewable_one_that_is_asked_for(folder: Path) -> None:
    sealed = ensure(folder, HOSTS)
    made = ensure(folder, HOSTS, renewable=True)
    assert made.fingerprint != sealed.fingerprint
    assert "sealed, and a renewable one was asked for" in str(made.reason)


def test_a_lost_key_means_a_new_authority(made: Authority) -> None:
    (made.chains[HOSTS[0]].parent / vault.FILE).unlink()
    renewed = ensure(made.folder, HOSTS, now=made.not_after - DAY)
    assert renewed.fingerprint != made.fingerprint


def test_a_key_that_is_not_the_intermediates_is_as_good_as_lost(made: Authority, tmp_path: Path) -> None:
    other = ensure(tmp_path / "other", HOSTS, renewable=True).chains[HOSTS[0]].parent
    current = made.chains[HOSTS[0]].parent
    (current / vault.FILE).write_bytes((other / vault.FILE).read_bytes())
    assert ensure(made.folder, HOSTS, afresh=True).fingerprint != made.fingerprint


@pytest.fixture
def locked(folder: Path) -> Authority:
    return ensure(folder, HOSTS, renewable=True, passphrase=lambda _: "sesame", now=NOW)


def test_without_its_passphrase_leaves_that_still_live_are_served_and_it_is_said(locked: Authority) -> None:
    kept = ensure(locked.folder, HOSTS, now=locked.not_after - DAY)
    assert kept.fingerprint == locked.fingerprint
    assert "could not be renewed" in str(kept.reason)
    assert "idetour cert renew" in str(kept.reason)


@pytest.mark.parametrize("days", [1, 100])
def test_without_its_passphrase_leaves_that_are_dead_are_an_error(days: int, locked: Authority) -> None:
    with pytest.raises(SetupError, match="passphrase"):
        ensure(locked.folder, HOSTS, now=locked.not_after + days * DAY)


def test_with_its_passphrase_it_renews(locked: Authority) -> None:
    later = locked.not_after - DAY
    renewed = ensure(locked.folder, HOSTS, passphrase=lambda _: "sesame", now=later)
    assert renewed.not_after > locked.not_after


def test_the_key_of_a_replaced_set_goes_with_it(made: Authority) -> None:
    wider = ensure(made.folder, ["openrouter.ai"])
    keys = list(made.folder.rglob(vault.FILE))
    assert keys == [wider.chains["openrouter.ai"].parent / vault.FILE]


def test_a_set_without_its_intermediate_cannot_be_mended(made: Authority) -> None:
    (made.chains[HOSTS[0]].parent / sets.ISSUER).unlink()
    mended = sets.mended(made.folder, HOSTS, passphrase=vault.from_environment, now=NOW)
    assert mended is None
