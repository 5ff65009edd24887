import os
from pathlib import Path

import pytest

from idetour.profile.environment import parse, variables
from idetour.profile.problem import ProfileError
from idetour.profile.read import find, read
from idetour.profile.watch import Watched


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("NVIDIA_API_KEY=nvapi-1", {"NVIDIA_API_KEY": "nvapi-1"}),
        ("export A=b", {"A": "b"}),
        ("A = b", {"A": "b"}),
        ('A="b c # d"', {"A": "b c # d"}),
        ("A='b\"c'", {"A": 'b"c'}),
        ("A=b # the one for work", {"A": "b"}),
        ("A=b#c", {"A": "b#c"}),
        ("A=", {"A": ""}),
        ("A=qwen/qwen3-max", {"A": "qwen/qwen3-max"}),
        ("  # A=b", {}),
        ("", {}),
    ],
)
def test_lines_are_read_as_other_tools_read_them(line: str, found: dict[str, str]) -> None:
    assert found == parse(line, Path(".env"))


def test_a_line_that_is_no_assignment_is_named_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as raised:
        parse("A=b\nnvapi-secret\nB=c", tmp_path / ".env")

    assert f"{tmp_path / '.env'}:2:1: is no assignment\n    write NAME=value" == str(raised.value)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\n")
    monkeypatch.setenv("A", "shell")

    found = variables(tmp_path / ".env")

    assert (found["A"], found["B"]) == ("shell", "file")


def test_without_a_file_it_is_the_environment(tmp_path: Path) -> None:
    assert variables(tmp_path / ".env") is os.environ


def test_a_key_in_the_home_opens_its_upstream(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    home.mkdir(exist_ok=True)
    (home / ".env").write_text("NVIDIA_API_KEY=nvapi-0123456789abcdef\n")

    assert read(find("default")).upstreams["nim"].ready


def test_a_dotenv_of_the_current_folder_is_not_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    (tmp_path / ".env").write_text("NVIDIA_API_KEY=nvapi-0123456789abcdef\n")
    monkeypatch.chdir(tmp_path)

    assert not read(find("default")).upstreams["nim"].ready


def test_a_changed_file_is_picked_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    home.mkdir(exist_ok=True)
    watched = Watched(find("default"))
    assert not watched.current.upstreams["nim"].ready

    (home / ".env").write_text("NVIDIA_API_KEY=nvapi-0123456789abcdef\n")

    assert watched.check()
    assert watched.current.upstreams["nim"].ready
