"""What Python trusts, and what it has to be told."""

from pathlib import Path

import pytest

from idetour.certs import Authority, ensure
from idetour.certs.stores import python


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return ensure(tmp_path / "certs", ["api.openai.com"])


def test_a_python_that_refuses_is_given_the_setting_that_was_seen_to_help(authority: Authority) -> None:
    verdict = python.trusted(authority)
    assert verdict.trusted is False
    assert f"set SSL_CERT_FILE={authority.root} (tried: it then accepts)" in verdict.how


def test_a_python_with_that_setting_trusts(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))
    assert python.trusted(authority).trusted is True
