"""The authority on the command line. The stores of this machine are not touched: one of the test's own is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from idetour import system
from idetour.certs import load
from idetour.certs.stores import STORES
from idetour.certs.stores.store import Command, LeftToYou, Store, Verdict
from idetour.cli.undo import untrust
from idetour.takeover import journal

type Idetour = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trust store named `toy`: it trusts while this file is there."""
    file = tmp_path / "trusted"
    toy = Store(
        name="toy",
        title="A toy",
        after="Restart the toy.",
        present=lambda: True,
        trusted=lambda authority: Verdict(file.exists(), "proved by play"),
        additions=lambda authority: [Command(("cp", str(authority.root), str(file)))],
        removals=lambda: [Command(("rm", str(file)))] if file.exists() else [],
    )
    monkeypatch.setitem(STORES, "toy", toy)
    return file


def test_the_path_is_one_line_and_the_file_is_made(idetour: Idetour, home: Path) -> None:
    first, again = idetour("cert", "path"), idetour("cert", "path")

    assert first.stdout == again.stdout == f"{home / 'certs' / 'root.pem'}\n"
    assert Path(first.stdout.strip()).read_text("ascii").startswith("-----BEGIN CERTIFICATE-----")
    assert first.stderr != ""
    assert again.stderr == ""


def test_status_makes_nothing(idetour: Idetour, home: Path) -> None:
    assert "There is no authority yet" in idetour("cert", "status").output
    assert not home.exists()


def test_install_proves_and_says_what_remains_and_a_second_time_does_nothing(
    idetour: Idetour, store: Path
) -> None:
    first = idetour("cert", "install", "--store", "toy")

    assert first.exit_code == 0
    assert first.stdout == "toy  trusted: proved by play\nRestart the toy.\n"
    assert store.exists()
    assert idetour("cert", "install", "--store", "toy").stdout == first.stdout
    assert "toy  trusted: proved by play" in idetour("cert", "status", "--store", "toy").stdout


def test_what_was_installed_stands_in_the_journal_until_it_is_removed(idetour: Idetour, store: Path) -> None:
    idetour("cert", "install", "--store", "toy")
    store.unlink()  # somebody else removed it: installing again must not fill the journal
    idetour("cert", "install", "--store", "toy")
    assert [(entry.kind, entry.data["store"], entry.pid) for entry in journal.entries()] == [
        ("trust", "toy", None)
    ]

    removed = idetour("cert", "remove", "--store", "toy")
    assert removed.exit_code == 0
    assert removed.stdout.startswith("toy  not trusted: removed")
    assert journal.entries() == []


def test_undo_takes_out_what_was_installed(idetour: Idetour, store: Path) -> None:
    idetour("cert", "install", "--store", "toy")
    report = journal.undo({"trust": untrust})
    assert [entry.kind for entry in report.undone] == ["trust"]
    assert not store.exists()
    assert journal.entries() == []


def test_removal_without_an_authority_still_cleans(idetour: Idetour, store: Path) -> None:
    store.touch()
    assert idetour("cert", "remove", "--store", "toy").stdout.startswith(
        "toy  not trusted: removed; its list holds no root of ours"
    )


def test_commands_that_are_left_to_you_are_printed_and_the_exit_code_is_three(
    idetour: Idetour, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_rights(authority: object) -> list[Command]:
        raise LeftToYou([Command(("update-it", "all"), elevate=True)])

    toy = STORES["toy"]
    monkeypatch.setitem(
        STORES,
        "toy",
        Store(**{name: getattr(toy, name) for name in toy.__slots__} | {"additions": no_rights}),
    )
    ended = idetour("cert", "install", "--store", "toy")
    assert ended.exit_code == 3
    assert "sudo update-it all" in ended.stdout


def test_a_person_is_asked_and_may_say_no(
    idetour: Idetour, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "at_terminal", lambda: True)
    ended = idetour("cert", "install", "--store", "toy")  # nothing is typed
    assert "A toy" in ended.stderr
    assert ended.exit_code == 1
    assert not store.exists()
    assert idetour("cert", "install", "--store", "toy", "--yes").exit_code == 0


def test_a_store_that_is_not_here_is_a_failure_if_it_was_named(idetour: Idetour) -> None:
    name = next(name for name in ("macos", "windows-user") if not STORES[name].present())
    ended = idetour("cert", "install", "--store", name)
    assert ended.exit_code == 1
    assert f"{name}  not here" in ended.stdout


def test_an_unknown_store_is_answered_with_those_there_are(idetour: Idetour) -> None:
    ended = idetour("cert", "install", "--store", "windows")
    assert ended.exit_code == 2
    assert "windows-user, windows-machine" in ended.stderr


def test_renewal_of_a_sealed_authority_says_that_trust_has_to_be_given_again(
    idetour: Idetour, home: Path
) -> None:
    before = idetour("cert", "path").stdout and load(home / "certs")
    ended = idetour("cert", "renew", "--yes")
    after = load(home / "certs")
    assert before
    assert after
    assert before.fingerprint != after.fingerprint
    assert "have to trust it anew" in ended.stderr
    assert "idetour cert remove" in ended.stdout


def test_renewal_of_a_renewable_one_keeps_its_root(idetour: Idetour, home: Path) -> None:
    idetour("cert", "renew", "--renewable", IDETOUR_CA_PASSPHRASE="open sesame")
    before = load(home / "certs")
    assert before
    assert "with a passphrase" in idetour("cert", "status", "--store", "macos").stdout

    refused = idetour("cert", "renew")
    assert refused.exit_code == 1
    assert "IDETOUR_CA_PASSPHRASE" in refused.stderr

    ended = idetour("cert", "renew", IDETOUR_CA_PASSPHRASE="open sesame")
    after = load(home / "certs")
    assert after
    assert after.fingerprint == before.fingerprint
    assert after.not_before == before.not_before
    assert "so is the trust in it" in ended.stderr
    assert "started again" in ended.stdout
