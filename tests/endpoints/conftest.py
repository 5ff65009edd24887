"""A gateway with one upstream behind it, whose key is a canary."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from idetour.profile import Profile
from idetour.profile.read import read
from upstream import Upstream

if TYPE_CHECKING:
    from conftest import Serving

CANARY = "sk-canary-4f1c0b7e9a2d"


@pytest.fixture
def served(
    serving: Callable[..., "Serving"],
    profile_file: Callable[..., Path],
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., "Serving"]:
    """`served(more="access: …")`: `m` is answered by `upstream`, and `more` is added to the profile.

    What else is given goes to `serve.start`, as in `served(admin=Secret("…"))`.
    """
    monkeypatch.setenv("CANARY", CANARY)

    def start(more: str = "", **how: Any) -> "Serving":
        text = f"upstreams: {{up: {{url: '{upstream.url}', key: $CANARY}}}}\nmodels: {{m: up/model}}\n{more}"
        return serving(profile_file(text), **how)

    return start


@pytest.fixture
def port(served: Callable[..., "Serving"]) -> int:
    return served().port


@pytest.fixture
def profiles(profile_file: Callable[..., Path]) -> Callable[..., Profile]:
    return lambda text, **env: read(profile_file(text), env=env)
