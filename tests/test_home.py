"""Where things lie, and that they are closed to others."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from idetour import home as places
from idetour.errors import SetupError


def test_the_users_folder_is_where_they_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IDETOUR_HOME", str(tmp_path / "elsewhere"))

    assert places.home() == tmp_path / "elsewhere"


def test_a_tilde_is_the_users_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("IDETOUR_HOME", "~/mine")

    assert places.home() == tmp_path / "mine"


@pytest.mark.parametrize("value", ["", None])
def test_without_a_word_it_is_a_hidden_folder_of_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("IDETOUR_HOME")
    if value is not None:
        monkeypatch.setenv("IDETOUR_HOME", value)

    assert places.home() == tmp_path / ".idetour"


def test_asking_where_makes_nothing_and_asking_for_a_folder_does(home: Path) -> None:
    assert not places.home().exists()
    assert places.folder("certs") == places.folder("certs") == home / "certs"
    assert (home / "certs").is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_folder_and_all_above_it_of_ours_are_closed(home: Path) -> None:
    places.folder("certs")

    assert [path.stat().st_mode & 0o777 for path in (home, home / "certs")] == [0o700, 0o700]


def test_what_is_shipped_is_there() -> None:
    assert places.in_checkout()
    assert (places.shipped("profiles") / "catalog.yaml").is_file()
    assert places.shipped("addon.py").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_folder_that_others_could_write_to_is_closed(home: Path) -> None:
    (home / "state").mkdir(parents=True)
    (home / "state").chmod(0o777)

    assert places.folder("state").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can make what is another's"
)
def test_a_folder_of_another_user_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as shared:
        state = Path(shared) / "state"
        state.mkdir()
        Path(shared).chmod(0o755)
        monkeypatch.setenv("IDETOUR_HOME", shared)
        os.chown(state, 12345, 12345)
        os.seteuid(54321)
        try:
            with pytest.raises(SetupError, match="belongs to another user"):
                places.folder("state")
        finally:
            os.seteuid(0)
