"""A folder for Qwen's files."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".qwen"
    made.mkdir(mode=0o700)
    return made
