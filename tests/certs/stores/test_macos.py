"""The exact commands for macOS. None of them ran there: what `security` prints is read, what it does is not."""

import os
import sys
from pathlib import Path

import pytest

from idetour.certs import Authority, ensure
from idetour.certs.stores import macos
from idetour.certs.stores.store import Command
from idetour.certs.stores.windows import thumbprint

KEYCHAIN = "/Library/Keychains/System.keychain"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a script stands in for `security`")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return ensure(tmp_path / "certs", ["api.openai.com"])


def security(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `security` that notes its arguments, one line for each call, and does what the script says."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "security"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/bin:/usr/bin")
    return folder / "calls"


def test_the_root_is_trusted_for_tls_by_one_command(authority: Authority) -> None:
    trust = ("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-p", "ssl", "-k", KEYCHAIN)
    assert macos.additions(authority) == [Command((*trust, str(authority.root)), elevate=True)]


def test_every_root_of_ours_goes_with_the_trust_in_it(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = ensure(tmp_path / "older", ["api.openai.com"])
    listing = tmp_path / "listing"
    listing.write_bytes(
        b'keychain: "\xb2\xe2\xca\xd4"\n' + older.root.read_bytes() + authority.root.read_bytes()
    )
    calls = security(tmp_path, f"cat {listing}", monkeypatch)
    commands = macos.removals()
    assert calls.read_text() == f"find-certificate -a -p {KEYCHAIN}\n"
    for root, trust, delete in zip((older, authority), commands[::2], commands[1::2], strict=True):
        digest = thumbprint(root).upper()
        assert trust.words[:3] == ("security", "remove-trusted-cert", "-d")
        assert Path(trust.words[3]).read_bytes() == root.root.read_bytes()
        assert (trust.elevate, trust.may_fail) == (True, True)
        assert delete == Command(("security", "delete-certificate", "-Z", digest, KEYCHAIN), elevate=True)


@pytest.mark.parametrize(("code", "trusted"), [(0, True), (1, False)])
def test_the_systems_own_judge_is_asked_about_what_we_serve(
    code: int, trusted: bool, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = security(tmp_path, f"cat $3 $5 > {tmp_path}/judged; exit {code}", monkeypatch)
    assert macos.trusted(authority).trusted is trusted
    words = calls.read_text().split()
    assert words[:2] == ["verify-cert", "-c"]
    assert words[5:] == ["-p", "ssl", "-s", "api.openai.com", "-L"]
    key, _, certificates = authority.chains["api.openai.com"].read_text().partition("-----BEGIN CERTIFICATE")
    assert "PRIVATE KEY" in key
    assert (tmp_path / "judged").read_text() == f"-----BEGIN CERTIFICATE{certificates}"


def test_elsewhere_it_is_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert not macos.present()
