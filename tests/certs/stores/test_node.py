"""What Node trusts, and what it has to be told."""

import shutil
import sys
from pathlib import Path

import pytest

from idetour.certs import Authority, ensure
from idetour.certs.stores import node

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node is not on this machine")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return ensure(tmp_path / "certs", ["api.openai.com"])


@needs_node
def test_a_node_that_refuses_is_given_the_setting_that_was_seen_to_help(authority: Authority) -> None:
    verdict = node.trusted(authority)
    assert verdict.trusted is False
    assert f"set NODE_EXTRA_CA_CERTS={authority.root} (tried: it then accepts)" in verdict.how


@needs_node
def test_a_node_with_that_setting_trusts(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(authority.root))
    assert node.trusted(authority).trusted is True


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for Node")
def test_a_node_that_does_not_run_is_not_judged(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "node"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node.trusted(authority).trusted is None


def test_the_system_is_tried_before_our_file_alone(authority: Authority) -> None:
    assert [next(iter(cure)) for cure in node.cures(authority)] == [
        "NODE_USE_SYSTEM_CA",
        "NODE_OPTIONS",
        "NODE_OPTIONS",
        "NODE_EXTRA_CA_CERTS",
    ]
