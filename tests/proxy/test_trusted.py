"""The authority, told for the dashboard."""

from pathlib import Path

import msgspec
import pytest

from idetour.certs.authority import ensure
from idetour.certs.stores import STORES
from idetour.proxy import trusted


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    said = trusted.told(tmp_path)

    assert (said["exists"], said["stores"]) == (False, [])


def test_what_it_vouches_for_and_which_stores_trust_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trusted, "STORES", {"python": STORES["python"]})  # the others are this machine's
    authority = ensure(tmp_path, ["api.openai.com"])
    said = trusted.told(tmp_path)

    assert (said["exists"], said["problem"], said["sealed"]) == (True, None, True)
    assert (said["hosts"], said["file"]) == (["api.openai.com"], str(authority.root))
    assert said["days_left"] > 30
    assert msgspec.json.encode(said)
