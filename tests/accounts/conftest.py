"""Qwen's servers, played; and a folder for its files."""

from pathlib import Path

import pytest

from qwen import Qwen
from upstream import Upstream


@pytest.fixture
def qwen(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Qwen:
    monkeypatch.setenv("IDETOUR_QWEN_URL", upstream.origin)
    return Qwen(upstream)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".qwen"
    made.mkdir(mode=0o700)
    return made
