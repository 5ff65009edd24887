"""Databases of Chromium and Firefox in a home of the test's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from idetour.certs import Authority, ensure
from idetour.certs.stores import nss
from idetour.certs.stores.store import Command
from idetour.errors import SetupError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these databases are Linux's")
needs_certutil = pytest.mark.skipif(
    not shutil.which("certutil"), reason="certutil (libnss3-tools) is not on this machine"
)
needs_tstclnt = pytest.mark.skipif(
    not shutil.which("tstclnt"), reason="tstclnt (libnss3-tools) is not on this machine"
)


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which nothing ran yet, on a machine without browsers."""
    monkeypatch.setenv("HOME", str(tmp_path))
    only(tmp_path, monkeypatch, "certutil", "tstclnt", "mkdir")
    return tmp_path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return ensure(tmp_path / "certs", ["api.openai.com"])


def only(folder: Path, monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    """A PATH with these programs and no others."""
    path = folder / f"bin-{len(programs)}"
    path.mkdir()
    for program in programs:
        if found := shutil.which(program):
            (path / program).symlink_to(found)
    monkeypatch.setenv("PATH", str(path))


def database(home: Path, place: str) -> Path:
    path = home / place
    path.mkdir(parents=True)
    subprocess.run(["certutil", "-N", "-d", f"sql:{path}", "--empty-password"], check=True)
    return path


def test_a_home_without_browsers_has_no_store(person: Path) -> None:
    assert not nss.present()
    assert nss.removals() == []


@needs_certutil
def test_every_profile_is_found(person: Path) -> None:
    made = [
        database(person, place)
        for place in (
            ".pki/nssdb",
            "snap/chromium/current/.pki/nssdb",
            ".var/app/org.chromium.Chromium/.pki/nssdb",
            ".mozilla/firefox/abc.default",
            ".var/app/org.mozilla.firefox/.mozilla/firefox/def.default",
        )
    ]
    (person / ".mozilla/firefox/Crash Reports").mkdir()
    assert nss.databases() == made


@needs_tstclnt
def test_what_is_installed_is_trusted_and_what_is_removed_is_refused(
    person: Path, authority: Authority
) -> None:
    (person / ".config/Trae").mkdir(parents=True)
    (person / ".config/Trae/Local State").touch()
    firefox = database(person, ".mozilla/firefox/abc.default")
    older = ensure(person / "older", ["api.openai.com"])
    subprocess.run(
        ["certutil", "-A", "-d", f"sql:{firefox}", "-t", "C,,", "-n", older.name, "-i", str(older.root)],
        check=True,
    )
    assert nss.trusted(authority).trusted is False
    nss.STORE.install(authority)
    verdict = nss.trusted(authority)
    assert verdict.trusted is True
    assert verdict.how == f"proved by tstclnt with {person}/.pki/nssdb and tstclnt with {firefox}"
    assert nss.additions(authority) == []
    assert nss.STORE.remove() is True
    assert nss.trusted(authority).trusted is False
    assert nss.trusted(older).trusted is False
    assert nss.STORE.remove() is False


@needs_certutil
def test_without_the_test_client_the_answer_says_what_stands_in(
    person: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    database(person, ".pki/nssdb")
    only(person, monkeypatch, "certutil")
    assert nss.trusted(authority).trusted is False
    nss.STORE.install(authority)
    verdict = nss.trusted(authority)
    assert verdict.trusted is True
    assert "no handshake was made" in verdict.how
    nss.STORE.remove()
    assert nss.trusted(authority).trusted is False


@needs_certutil
def test_without_certutil_the_package_is_named(
    person: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    database(person, ".pki/nssdb")
    only(person, monkeypatch)
    assert nss.trusted(authority).trusted is None
    with pytest.raises(SetupError, match="libnss3-tools"):
        nss.additions(authority)
    with pytest.raises(SetupError, match="libnss3-tools"):
        nss.removals()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root")
def test_root_leaves_the_databases_of_another_person_alone(person: Path, authority: Authority) -> None:
    """What `sudo` made there, the browsers of its owner could not write to."""
    os.chown(person, 65534, 65534)
    with pytest.raises(SetupError, match="without sudo"):
        nss.additions(authority)


@needs_certutil
def test_chromiums_newer_folder_is_used_where_it_is(person: Path, authority: Authority) -> None:
    """Chromium prefers the older folder: to make one would take the user's own certificates away."""
    (person / ".config/chromium").mkdir(parents=True)
    (person / ".config/chromium/Local State").touch()
    newer = database(person, ".local/share/pki/nssdb")
    assert nss.wanting() == [newer]
    (add,) = nss.additions(authority)
    words = ("certutil", "-A", "-d", f"sql:{newer}", "-t", "C,,", "-n", authority.name, "-i")
    assert add == Command((*words, str(authority.root)))


def test_our_names_are_told_from_others_in_a_list() -> None:
    lines = {
        "Certificate Nickname": "Trust Attributes",
        "": "SSL,S/MIME,JAR/XPI",
        "idetour 李 明@vm 0a1b2c3d": "C,,  ",
        "idetour root@vm f9d3276c": "CT,C,C",
        "idetour root@vm f9d3276c intermediate": ",,   ",
        "mitmproxy": "C,,  ",
        "my idetour root@vm f9d3276c": "u,u,u",
    }
    listing = "\n".join(f"{name:60} {trust}" for name, trust in lines.items())
    assert list(nss.parsed(listing)) == ["idetour 李 明@vm 0a1b2c3d", "idetour root@vm f9d3276c"]
