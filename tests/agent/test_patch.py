"""The patch is what the agent changed: all of it, and nothing else."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.agent.patch import Shadow
from idetour.errors import SetupError


def git(work: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    return subprocess.run(["git", *who, *words], cwd=work, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def changed(work: Path, tmp_path: Path) -> Callable[[Callable[[], object]], str]:
    """The patch of what a function does in the directory; empty where there is none."""

    def run(act: Callable[[], object]) -> str:
        shadow = Shadow(tmp_path / "shadow.git", work)
        shadow.begin()
        act()
        into = tmp_path / "p.diff"
        return into.read_text() if shadow.changes(into, 1 << 20) else ""

    return run


type Changed = Callable[[Callable[[], object]], str]


def test_new_changed_and_deleted_files_are_in_it(work: Path, changed: Changed) -> None:
    (work / "old.txt").write_text("old\n")
    (work / "gone.txt").write_text("gone\n")

    def act() -> None:
        (work / "new file é.txt").write_text("new\n")
        (work / "old.txt").write_text("other\n")
        (work / "gone.txt").unlink()

    patch = changed(act)
    assert "+new" in patch
    assert "-old\n+other" in patch
    assert "deleted file mode" in patch
    assert "new file é.txt" in patch


def test_it_can_be_applied_binary_files_included(work: Path, tmp_path: Path, changed: Changed) -> None:
    data = bytes(range(256)) * 20
    patch = changed(lambda: (work / "picture.bin").write_bytes(data))
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=other, check=True)

    assert (other / "picture.bin").read_bytes() == data


def test_what_was_changed_before_is_not_in_it_and_the_users_index_is_left_alone(
    work: Path, changed: Changed
) -> None:
    git(work, "init", "-q")
    (work / "a.txt").write_text("committed\n")
    git(work, "add", ".")
    git(work, "commit", "-qm", "first")
    (work / "a.txt").write_text("dirty\n")
    (work / "staged.txt").write_text("staged\n")
    git(work, "add", "staged.txt")
    before = git(work, "status", "--porcelain")
    patch = changed(lambda: (work / "b.txt").write_text("of the agent\n"))

    assert "of the agent" in patch
    assert "dirty" not in patch
    assert "staged" not in patch
    assert git(work, "status", "--porcelain") == f"{before}?? b.txt\n"


def test_nothing_changed_is_no_patch(changed: Changed) -> None:
    assert changed(lambda: None) == ""


def test_what_the_directory_ignores_is_left_out(work: Path, changed: Changed) -> None:
    (work / ".gitignore").write_text("cache/\n")
    (work / "cache").mkdir()

    assert changed(lambda: (work / "cache" / "x").write_text("x")) == ""


def test_no_hook_or_filter_of_the_directory_is_run(work: Path, changed: Changed, tmp_path: Path) -> None:
    git(work, "init", "-q")
    git(work, "config", "filter.evil.clean", f"touch {tmp_path}/pwned; cat")
    git(work, "config", "core.fsmonitor", f"touch {tmp_path}/pwned")
    (work / ".gitattributes").write_text("* filter=evil diff=evil\n")
    changed(lambda: (work / "a").write_text("x"))

    assert not (tmp_path / "pwned").exists()


def test_a_patch_that_is_too_long_is_said_so(work: Path, tmp_path: Path) -> None:
    shadow = Shadow(tmp_path / "shadow.git", work)
    shadow.begin()
    (work / "a").write_text("x\n" * 1000)

    with pytest.raises(SetupError, match="MB long"):
        shadow.changes(tmp_path / "p.diff", 100)
    assert not (tmp_path / "p.diff").exists()


def test_a_directory_that_is_gone_is_said_so(work: Path, tmp_path: Path) -> None:
    shadow = Shadow(tmp_path / "shadow.git", work)
    shadow.begin()
    work.rmdir()

    with pytest.raises(SetupError, match="could not be run"):
        shadow.changes(tmp_path / "p.diff", 100)


def test_a_machine_without_git_is_said_so(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SetupError, match="git is not on this machine"):
        Shadow(tmp_path / "shadow.git", work).begin()


def test_a_snapshot_that_takes_long_can_be_stopped(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (slow := tmp_path / "git").write_text('#!/bin/sh\ncase "$*" in *" add "*) exec sleep 60;; esac\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SetupError, match="was stopped"):
        Shadow(tmp_path / "shadow.git", work).begin(lambda: True)
