import os
from dataclasses import replace
from pathlib import Path

import pytest

from idetour.profile.read import ProfileError
from idetour.profile.watch import Watched


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "team.yaml"
    path.write_text("models: { a: demo/hello }")
    return path


def test_nothing_is_said_while_nothing_changes(path: Path) -> None:
    watched = Watched(path, env={})

    assert watched.check() is None
    assert watched.problem is None


def test_a_changed_file_replaces_the_profile(path: Path) -> None:
    watched = Watched(path, env={})
    before = watched.current

    path.write_text("models: { b1: demo/hello }")

    assert watched.check() == f"profile read again: {path}"
    assert list(watched.current.models) == ["b1"]
    assert list(before.models) == ["a"], "a running request keeps what it started with"


def test_a_file_put_in_place_by_an_editor_is_seen(path: Path) -> None:
    watched, status = Watched(path, env={}), path.stat()
    new = path.with_suffix(".new")
    new.write_text("models: { b: demo/hello }")
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))

    new.replace(path)

    assert watched.check() is not None
    assert list(watched.current.models) == ["b"]


def test_a_broken_file_keeps_the_last_good_and_is_told_once(path: Path) -> None:
    watched = Watched(path, env={})

    path.write_text("modles: {}")
    told = watched.check()

    assert told is not None
    assert "did you mean 'models'" in told
    assert watched.check() is None
    assert watched.problem is not None
    assert list(watched.current.models) == ["a"]


def test_a_repaired_file_clears_the_problem(path: Path) -> None:
    watched = Watched(path, env={})
    path.write_text("modles: {}")
    watched.check()

    path.write_text("models: { c: demo/hello }")

    assert watched.check() == f"profile read again: {path}"
    assert watched.problem is None


def test_a_removed_file_is_told_once(path: Path) -> None:
    watched = Watched(path, env={})

    path.unlink()

    assert "there is no such file" in (watched.check() or "")
    assert watched.check() is None


def test_what_is_laid_over_it_is_laid_over_each_version(path: Path) -> None:
    watched = Watched(path, env={})
    watched.lay(lambda profile: replace(profile, name=f"{profile.name} and more"))

    assert watched.current.name == f"{path.stem} and more"
    path.write_text("models: { c: demo/hello }")
    watched.check()
    assert (watched.current.name, list(watched.current.models)) == (f"{path.stem} and more", ["c"])
    watched.lay(lambda profile: profile)
    assert watched.current.name == path.stem


def test_a_profile_that_is_broken_at_the_start_is_refused(path: Path) -> None:
    path.write_text("modles: {}")

    with pytest.raises(ProfileError):
        Watched(path, env={})
