"""How a server is set up."""

from pathlib import Path

import pytest

from idetour.agent.settings import Settings, config_path, debug, real
from idetour.errors import SetupError


def test_roots_are_real_paths(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    assert real([f"{tmp_path}/link/../x"]) == [str(tmp_path.resolve().parent / "x")]


def test_what_cannot_work_is_said(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no such directory"):
        Settings(roots=[str(tmp_path / "none")], config="").checked()
    with pytest.raises(SetupError, match="one of none, user"):
        Settings(roots=[], config="", isolation="jail").checked()


def test_the_older_names_count() -> None:
    assert debug({"FLASK_DEBUG": "True"})
    assert not debug({"FLASK_DEBUG": "false"})
    assert not debug({})


def test_a_configuration_is_found_from_where_we_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert config_path("a.yaml") == str(tmp_path / "a.yaml")
