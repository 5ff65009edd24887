"""Where the key of a renewable authority goes, and how it comes back."""

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idetour.certs import ensure, vault
from idetour.errors import SetupError

KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "set-0123456789abcdef"
    path.mkdir()
    return path


def same(key: ec.EllipticCurvePrivateKey | None) -> bool:
    return key is not None and key.public_key() == KEY.public_key()


def test_without_a_keyring_the_key_is_in_a_file_that_is_closed_to_others(folder: Path) -> None:
    vault.keep(folder, KEY)
    assert same(vault.fetch(folder))
    assert vault.place(folder) == f"{folder / vault.FILE}, without a passphrase"
    if os.name == "posix":
        assert stat.S_IMODE((folder / vault.FILE).stat().st_mode) == 0o600


def test_a_typed_passphrase_locks_the_file(folder: Path) -> None:
    vault.keep(folder, KEY, passphrase=lambda _: "open sesame")
    assert b"ENCRYPTED" in (folder / vault.FILE).read_bytes()
    assert "with a passphrase" in vault.place(folder)
    assert same(vault.fetch(folder, passphrase=lambda _: "open sesame"))


def test_a_passphrase_in_the_environment_needs_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(vault.VARIABLE, "open sesame")
    vault.keep(folder, KEY)
    assert same(vault.fetch(folder))
    monkeypatch.setenv(vault.VARIABLE, "open barley")
    with pytest.raises(SetupError, match="not the passphrase"):
        vault.fetch(folder)


def test_a_locked_file_without_its_passphrase_says_how_to_give_it(folder: Path) -> None:
    vault.keep(folder, KEY, passphrase=lambda _: "open sesame")
    with pytest.raises(SetupError, match=vault.VARIABLE):
        vault.fetch(folder)


def test_a_lost_key_is_none(folder: Path) -> None:
    assert vault.fetch(folder) is None
    (folder / vault.FILE).write_text("rubbish")
    assert vault.fetch(folder) is None


def test_a_keyring_is_preferred_to_a_file(folder: Path, keyring: Path) -> None:
    vault.keep(folder, KEY)
    assert list(folder.iterdir()) == []
    assert list(json.loads(keyring.read_text())) == [f"idetour {folder.name}"]
    assert vault.place(folder) == "the system's keyring"
    assert same(vault.fetch(folder))
    vault.forget(folder)
    assert json.loads(keyring.read_text()) == {}


def test_the_key_of_a_replaced_authority_leaves_the_keyring(keyring: Path, tmp_path: Path) -> None:
    first = ensure(tmp_path / "certs", ["api.openai.com"], renewable=True)
    assert first.key == "the system's keyring"
    second = ensure(tmp_path / "certs", ["openrouter.ai"])
    current = second.chains["openrouter.ai"].parent
    assert list(json.loads(keyring.read_text())) == [f"idetour {current.name}"]


def test_a_keyring_that_refuses_gives_way_to_the_file(folder: Path, keyring: Path) -> None:
    keyring.chmod(0o400)
    vault.keep(folder, KEY)
    assert (folder / vault.FILE).exists()


def test_a_passphrase_in_the_environment_asks_for_the_file(
    folder: Path, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(vault.VARIABLE, "open sesame")
    vault.keep(folder, KEY)
    assert (folder / vault.FILE).exists()


def test_to_forget_what_is_not_there_is_harmless(folder: Path, keyring: Path) -> None:
    vault.forget(folder)
    vault.forget(folder)
