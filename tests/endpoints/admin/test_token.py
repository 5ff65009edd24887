"""The file that holds the admin token."""

import threading
from pathlib import Path

import pytest

from idetour.endpoints.admin.token import FILE, stored, token
from idetour.errors import SetupError
from idetour.secret import Secret


def test_the_token_is_made_once_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    first = token(tmp_path)

    assert token(tmp_path) == stored(tmp_path) == first
    assert len(first.reveal()) == 43
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_each_home_has_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()

    assert token(folders[0]) != token(folders[1])


def test_programs_that_start_at_once_agree_on_one(tmp_path: Path) -> None:
    found: list[Secret] = []
    threads = [threading.Thread(target=lambda: found.append(token(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1


@pytest.mark.parametrize("content", ["", "\n", "short", " " * 60, "é" * 60])
def test_a_file_that_holds_no_token_opens_to_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(SetupError, match=FILE):
        token(tmp_path)
