"""Keys that were added by hand, in a file and in the system's keyring."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ADDONS
from idetour.accounts import store
from idetour.accounts.store import Kept
from idetour.errors import SetupError
from idetour.secret import Secret

KEY = Secret("nvapi-canary-0123456789-wxyz")
NIM = "https://integrate.api.nvidia.com/v1"


def add(folder: Path, name: str = "", key: Secret = KEY, **how: float) -> store.Added:
    return store.add(folder, key, upstream="nim", url=NIM, name=name, **how)


def test_without_a_keyring_the_key_is_in_a_file_that_is_closed_to_others(tmp_path: Path) -> None:
    made = add(tmp_path, "work", weight=2)
    [found] = store.read(tmp_path).added
    assert found == made
    assert found.secret() == KEY
    assert (found.full_name, found.origin, found.weight) == (
        "nim/work",
        "https://integrate.api.nvidia.com",
        2,
    )
    assert stat.S_IMODE((tmp_path / store.FILE).stat().st_mode) == 0o600


def test_with_a_keyring_the_key_is_in_it_alone(tmp_path: Path, keyring: Path) -> None:
    made = add(tmp_path)
    assert "canary" not in (tmp_path / store.FILE).read_text()
    assert json.loads(keyring.read_text()) == {f"idetour account-{made.id}": KEY.reveal()}
    [found] = store.read(tmp_path).added
    assert found.secret() == KEY
    assert store.remove(tmp_path, "nim/key-1")
    assert json.loads(keyring.read_text()) == {}


def test_a_keyring_that_forgets_gives_way_to_the_file(
    tmp_path: Path, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEYRING_FORGETS", "1")
    add(tmp_path)
    assert store.read(tmp_path).added[0].key == KEY


def test_names_are_given_where_none_is_said(tmp_path: Path) -> None:
    names = [add(tmp_path, key=Secret(f"nvapi-{n}")).name for n in range(3)]
    store.remove(tmp_path, "nim/key-2")
    assert [*names, add(tmp_path).name] == ["key-1", "key-2", "key-3", "key-2"]


def test_a_name_and_a_key_are_there_once(tmp_path: Path) -> None:
    add(tmp_path, "work")
    with pytest.raises(SetupError, match="nim/work is there already"):
        add(tmp_path, "work", Secret("nvapi-another"))
    with pytest.raises(SetupError, match="already, as nim/work"):
        add(tmp_path, "home")
    assert len(store.read(tmp_path).added) == 1


def test_an_account_rests_and_is_woken(tmp_path: Path) -> None:
    add(tmp_path, "work")
    store.disable(tmp_path, "nim/work")
    store.disable(tmp_path, "qwen/default")
    assert store.read(tmp_path).disabled == {"nim/work", "qwen/default"}
    store.disable(tmp_path, "nim/work", disabled=False)
    assert store.read(tmp_path).disabled == {"qwen/default"}


def test_a_removed_account_is_forgotten_with_all_that_was_said_of_it(tmp_path: Path) -> None:
    add(tmp_path, "work")
    store.disable(tmp_path, "nim/work")
    assert store.remove(tmp_path, "nim/work")
    assert not store.remove(tmp_path, "nim/work")
    assert store.read(tmp_path) == Kept()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"accounts": 1}', '{"accounts": [{"id": 1}]}', "[" * 99999]
)
def test_a_broken_file_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / store.FILE).write_text(content)
    with pytest.raises(SetupError, match=rf"{store.FILE} is broken"):
        add(tmp_path)
    assert (tmp_path / store.FILE).read_text() == content


def test_where_there_is_no_file_there_are_no_accounts(tmp_path: Path) -> None:
    assert store.read(tmp_path) == Kept()


ADDER = """
import sys
from pathlib import Path
from idetour.accounts import store
from idetour.secret import Secret
for n in range(5):
    store.add(Path(sys.argv[1]), Secret(f"nvapi-{sys.argv[2]}-{n}"), upstream="nim", url="https://x")
"""


def test_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ADDONS)}
    children = [
        subprocess.Popen([sys.executable, "-c", ADDER, str(tmp_path), str(n)], env=environment)
        for n in range(3)
    ]
    assert [child.wait(30) for child in children] == [0, 0, 0]
    found = store.read(tmp_path).added
    assert len({each.name for each in found}) == len({each.secret() for each in found}) == 15


def test_a_key_does_not_show_itself(tmp_path: Path) -> None:
    assert "canary" not in repr(add(tmp_path))
