"""Where things lie, and who may read them."""

import os
from pathlib import Path

from idetour.agent.layout import Layout, admin_token, take


def test_everything_is_closed_to_others(layout: Layout) -> None:
    layout.store().close()
    for path in (layout.folder, layout.folder / "runs"):
        assert path.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in layout.folder.glob("tasks.sqlite*")} == {0o600}


def test_the_admin_token_is_that_of_the_same_home(home: Path) -> None:
    assert admin_token() == home / "state" / "admin-token"


def test_a_file_of_the_agents_is_kept_and_nothing_that_only_looks_like_one(tmp_path: Path) -> None:
    plain, link, pipe, kept = (tmp_path / name for name in ("plain", "link", "pipe", "kept"))
    plain.write_text("x")
    link.symlink_to(plain)
    os.mkfifo(pipe)

    assert not any(take(path, kept) for path in (link, pipe, tmp_path, tmp_path / "none"))
    assert not kept.exists()
    assert take(plain, kept)
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("x", 0o600)


def test_what_a_run_left_is_removed_whole(layout: Layout) -> None:
    run = layout.run("t")
    run.box.mkdir(parents=True)
    run.log.touch()
    run.remove()
    run.remove()

    assert not run.folder.exists()
