"""A road for each test, and what its hops find."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from idetour.doctor import Finding, Road
from upstream import Upstream


@pytest.fixture
def road(home: Path, profile_file: Callable[..., Path]) -> Callable[..., Road]:
    """`road("models: …", port=18080)`"""

    def made(text: str = "models: {m: demo/hello}", **how: object) -> Road:
        return Road(wanted=str(profile_file(text)), **how)  # type: ignore[arg-type]

    return made


@pytest.fixture
def led(
    serving: Callable[..., Any], profile_file: Callable[..., Path], upstream: Upstream
) -> Callable[..., Road]:
    """The same to a gateway that runs, whose `m` is answered by `upstream`."""
    path = profile_file(f"upstreams: {{up: {{url: '{upstream.url}'}}}}\nmodels: {{m: up/x}}")
    return lambda **how: Road(wanted=str(path), port=serving(path).port, **how)


@pytest.fixture
def look(road: Callable[..., Road]) -> Callable[..., list[tuple[str, str]]]:
    """State and text of all that a hop finds: `look(keys.HOP, "models: …")`."""
    return lambda hop, *profile, **how: said(hop.look(road(*profile, **how)))


def said(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.state.value, finding.text) for finding in findings]
