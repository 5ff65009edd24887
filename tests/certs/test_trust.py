"""What is said of a store before and after, with stores that are a file in a folder."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from idetour.certs import Authority, ensure, trust
from idetour.certs.stores.store import Command, Store, Verdict
from idetour.certs.trust import State
from idetour.errors import SetupError


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return ensure(tmp_path / "certs", ["api.openai.com"])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """It trusts while there is a file."""
    file = tmp_path / "trusted"
    return Store(
        name="toy",
        title="A toy",
        after="",
        present=lambda: True,
        trusted=lambda authority: Verdict(file.exists(), "proved" if file.exists() else "refused"),
        additions=lambda authority: [Command(("cp", str(authority.root), str(file)))],
        removals=lambda: [Command(("rm", str(file)))] if file.exists() else [],
    )


pytestmark = pytest.mark.skipif(not shutil.which("cp"), reason="cp and rm stand in for a store's tool")


def said(outcome: trust.Outcome) -> tuple[State, str]:
    return outcome.state, outcome.text


def test_install_and_remove_say_what_was_proved_and_do_nothing_twice(
    store: Store, authority: Authority
) -> None:
    noted: list[Mapping[str, str]] = []

    def journal(kind: str, data: Mapping[str, str]) -> None:
        noted.append(data)

    assert said(trust.look(store, authority)) == (State.NOT_TRUSTED, "refused")
    assert said(trust.install(store, authority, journal=journal)) == (State.TRUSTED, "proved")
    assert said(trust.install(store, authority, journal=journal)) == (State.TRUSTED, "proved")
    assert len(noted) == 1
    assert said(trust.remove(store, authority)) == (State.NOT_TRUSTED, "removed; refused")
    assert said(trust.remove(store, authority)) == (State.NOT_TRUSTED, "there was none; refused")


def test_a_store_that_nobody_can_be_asked_about_is_neither(store: Store, authority: Authority) -> None:
    store = replace(store, trusted=lambda authority: Verdict(None, "no client"))
    assert trust.look(store, authority).state is State.CANNOT_TELL
    assert trust.install(store, authority).state is State.CANNOT_TELL
    assert said(trust.remove(store, authority)) == (State.CANNOT_TELL, "removed; no client")


def test_commands_that_succeed_and_change_nothing_are_a_failure(store: Store, authority: Authority) -> None:
    in_vain = replace(store, additions=lambda authority: [Command(("true",))])
    assert trust.install(in_vain, authority).state is State.FAILED
    assert "refused" in trust.install(in_vain, authority).text


def test_a_root_that_is_still_trusted_after_removal_is_a_failure(store: Store, authority: Authority) -> None:
    """As by another list of the same programs, which the store's own does not show."""
    stubborn = replace(store, removals=list, trusted=lambda authority: Verdict(True, "proved"))
    assert trust.remove(stubborn, authority).state is State.FAILED


def test_an_absent_store_is_left_alone(store: Store, authority: Authority) -> None:
    absent = replace(store, present=lambda: False)
    for outcome in (trust.install(absent, authority), trust.remove(absent, authority)):
        assert outcome.state is State.ABSENT


def test_without_an_authority_the_list_has_to_do(store: Store, authority: Authority) -> None:
    trust.install(store, authority)
    assert said(trust.remove(store, None)) == (State.NOT_TRUSTED, "removed; its list holds no root of ours")


def test_what_has_no_list_says_what_to_set_and_is_not_changed(store: Store, authority: Authority) -> None:
    setting = replace(store, installs=False)
    assert said(trust.install(setting, authority)) == (State.NOT_TRUSTED, "refused")
    assert "unset" in trust.remove(setting, authority).text


@pytest.mark.parametrize("action", [trust.install, trust.remove])
def test_a_missing_tool_is_a_failure_with_its_remedy(
    action: Callable[[Store, Authority], trust.Outcome], store: Store, authority: Authority
) -> None:
    def missing(*_: object) -> list[Command]:
        raise SetupError("Install the tool.")

    without = replace(store, additions=missing, removals=missing)
    assert said(action(without, authority)) == (State.FAILED, "Install the tool.")
