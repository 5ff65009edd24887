"""A road for each test, and what its hops find."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from idetour.doctor import Finding, Road


@pytest.fixture
def road(home: Path, profile_file: Callable[..., Path]) -> Callable[..., Road]:
    """`road("models: …", port=18080)`"""

    def made(text: str = "models: {m: demo/hello}", **how: object) -> Road:
        return Road(wanted=str(profile_file(text)), **how)  # type: ignore[arg-type]

    return made


@pytest.fixture
def look(road: Callable[..., Road]) -> Callable[..., list[tuple[str, str]]]:
    """State and text of all that a hop finds: `look(keys.HOP, "models: …")`."""
    return lambda hop, *profile, **how: said(hop.look(road(*profile, **how)))


def said(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.state.value, finding.text) for finding in findings]
