"""The system's keyring, played by a file (`keyrings.py`)."""

import json
import sys
from pathlib import Path

import pytest

from idetour import keychain
from idetour.errors import SetupError


def test_what_is_kept_comes_back_until_it_is_forgotten(keyring: Path) -> None:
    assert keychain.keep("account-1", "secret")
    assert json.loads(keyring.read_text()) == {"idetour account-1": "secret"}
    assert keychain.fetch("account-1") == "secret"
    keychain.forget("account-1")
    keychain.forget("account-1")
    assert keychain.fetch("account-1") is None


def test_one_that_refuses_keeps_nothing(keyring: Path) -> None:
    keyring.chmod(0o400)
    assert not keychain.keep("account-1", "secret")
    keychain.forget("account-1")
    assert keychain.fetch("account-1") is None


def test_one_that_is_locked_is_named_with_the_remedy(keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEYRING_LOCKED", "1")
    with pytest.raises(SetupError, match="Unlock it and try again"):
        keychain.fetch("account-1")


def test_one_that_forgets_what_it_takes_keeps_nothing(keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEYRING_FORGETS", "1")
    assert not keychain.keep("account-1", "secret")


def test_without_the_package_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert not keychain.keep("account-1", "secret")
    assert keychain.fetch("account-1") is None
    keychain.forget("account-1")
