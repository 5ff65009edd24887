"""A profile from a few lines of text, and the shipped catalog without any key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.profile import Catalog, Profile
from idetour.profile.catalog import load
from idetour.profile.read import read

PROFILES = Path(__file__).resolve().parents[2] / "profiles"


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load(PROFILES / "catalog.yaml", env={})


@pytest.fixture
def profile(tmp_path: Path, catalog: Catalog) -> Callable[..., Profile]:
    """`profile(text, NAME=value …)` reads a file with this text in an environment with these variables."""

    def reads(text: str, **env: str) -> Profile:
        path = tmp_path / "profile.yaml"
        path.write_text(text, "utf-8")
        return read(path, catalog=catalog, env=env)

    return reads
