"""How a store's plan is carried out: in order, and handed back where rights are lacking."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from idetour import system
from idetour.certs import Authority, ensure
from idetour.certs.stores.store import Command, LeftToYou, Store, Verdict, carry_out
from idetour.errors import SetupError


def writing(path: Path, *, elevate: bool = False) -> Command:
    return Command((sys.executable, "-c", f"open({str(path)!r}, 'x')"), elevate=elevate)


FAILS = (sys.executable, "-c", "raise SystemExit('the disk is full')")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return ensure(tmp_path / "certs", ["api.openai.com"])


def store(additions: Sequence[Command] = (), removals: Sequence[Sequence[Command]] = ((),)) -> Store:
    """One whose removals are, each time they are asked for, the next of these."""
    plans = iter(removals)
    return Store(
        name="toy",
        title="A toy",
        after="",
        present=lambda: True,
        trusted=lambda authority: Verdict(None, ""),
        additions=lambda authority: additions,
        removals=lambda: next(plans),
    )


def test_a_command_that_fails_ends_it_in_the_tools_own_words(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="the disk is full"):
        carry_out([Command(FAILS), writing(tmp_path / "never")])
    assert not (tmp_path / "never").exists()


def test_what_may_be_gone_already_may_fail(tmp_path: Path) -> None:
    carry_out([Command(FAILS, may_fail=True), writing(tmp_path / "then")])
    assert (tmp_path / "then").exists()


def test_where_rights_are_lacking_that_command_and_all_after_it_are_handed_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "is_admin", lambda: False)
    monkeypatch.setenv("PATH", "")  # no sudo
    first, second, third = (tmp_path / name for name in "abc")
    with pytest.raises(LeftToYou) as raised:
        carry_out([writing(first), writing(second, elevate=True), writing(third)])
    assert raised.value.commands == (writing(second, elevate=True), writing(third))
    assert str(raised.value).count("\n  ") == 2
    assert str(writing(second, elevate=True)).startswith("sudo ")
    assert first.exists()
    assert not second.exists()


def test_a_change_is_written_down_before_it_is_made(authority: Authority, tmp_path: Path) -> None:
    noted: list[tuple[str, Mapping[str, str], bool]] = []
    file = tmp_path / "changed"
    store([writing(file)]).install(
        authority, journal=lambda kind, data: noted.append((kind, data, file.exists()))
    )
    assert noted == [("trust", {"store": "toy", "fingerprint": authority.fingerprint}, False)]
    assert file.exists()


def test_a_change_that_cannot_be_written_down_is_not_made(authority: Authority, tmp_path: Path) -> None:
    def full(kind: str, data: Mapping[str, str]) -> None:
        raise SetupError("the disk is full")

    with pytest.raises(SetupError, match="disk is full"):
        store([writing(tmp_path / "never")]).install(authority, journal=full)
    assert not (tmp_path / "never").exists()


def test_where_nothing_is_to_be_done_nothing_is_written_down(authority: Authority) -> None:
    noted: list[str] = []
    store().install(authority, journal=lambda kind, data: noted.append(kind))
    assert noted == []


def test_removal_reads_the_list_again(tmp_path: Path) -> None:
    gone, still = writing(tmp_path / "gone"), writing(tmp_path / "still")
    assert store(removals=[[gone], []]).remove() is True
    assert store(removals=[[]]).remove() is False
    with pytest.raises(SetupError, match="not gone"):
        store(removals=[[still], [still]]).remove()
