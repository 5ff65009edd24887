"""Where agents may start. Requests with such paths are in test_faults.py."""

import os
from pathlib import Path

import pytest

from idetour.agent.workspace import allowed, copy, made, put, within
from idetour.errors import BadRequest, Forbidden


def test_a_directory_below_a_root_is_allowed_and_made(work: Path) -> None:
    assert allowed(f"{work}/a/../b/c", [work]) == work / "b" / "c"
    assert not (work / "b").exists()
    made(work / "b" / "c")
    made(work / "b" / "c")
    assert (work / "b" / "c").is_dir()
    assert allowed(str(work), [work]) == work


def test_one_that_is_missing_is_not_made_if_that_is_not_wanted(work: Path) -> None:
    with pytest.raises(BadRequest, match="is not a directory"):
        made(work / "a", create=False)


def test_a_link_is_judged_by_where_it_leads(work: Path, tmp_path: Path) -> None:
    inside, outside = work / "inside", work / "outside"
    (work / "real").mkdir()
    inside.symlink_to(work / "real")
    outside.symlink_to(tmp_path)

    assert allowed(str(inside), [work]) == work / "real"
    with pytest.raises(Forbidden, match="outside the directories"):
        allowed(str(outside), [work])


def test_a_file_in_the_way_is_said_so(work: Path) -> None:
    (work / "file").touch()
    for path in ("file", "file/below"):
        with pytest.raises(BadRequest):
            made(allowed(f"{work}/{path}", [work]))


def test_a_copy_stays_inside(work: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("x")
    (work / "link").symlink_to(tmp_path / "target")

    assert put(source, "deep/copy", work)
    assert (work / "deep" / "copy").read_text() == "x"
    assert not put(source, "link", work)
    assert not put(source, "../copy", work)
    assert not (tmp_path / "target").exists()


def test_the_directory_itself_is_no_file(work: Path) -> None:
    with pytest.raises(BadRequest, match="inside the working directory"):
        within(".", work, "patch_path")


def test_a_link_that_is_put_in_the_way_after_the_check_is_not_followed(work: Path, tmp_path: Path) -> None:
    source, outside = tmp_path / "source", tmp_path / "outside"
    source.write_text("x")
    outside.mkdir()
    (work / "folder").symlink_to(outside)
    (work / "file").symlink_to(outside / "file")
    for steps in (("folder", "copy"), ("folder", "more", "copy"), ("file",)):
        with pytest.raises(OSError):
            copy(source, work, *steps)
    assert [*outside.iterdir()] == []


def test_a_pipe_in_the_place_of_a_copy_holds_nobody_up(work: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("x")
    os.mkfifo(work / "copy")
    assert not put(source, "copy", work)
