"""Profiles from text, and requests that go straight through a pipeline."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.asking import Asked
from idetour.profile import Profile
from idetour.profile.read import read


@pytest.fixture
def profiles(profile_file: Callable[..., Path]) -> Callable[..., Profile]:
    """`profiles("models: …", NAME="value")` reads a profile in an environment of these variables only."""
    return lambda text, **env: read(profile_file(text), env=env)


@pytest.fixture
def ask(profiles: Callable[..., Profile]) -> Callable[..., Asked]:
    """`ask(upstream.url, …)`: `m` is a route over one model at each of these URLs, in this order."""

    def asked(*urls: str, keys: str = "", env: Mapping[str, str] = {}, **how: Any) -> Asked:
        key = f", key: {keys}" if keys else ""
        lines = ["upstreams:", *(f"  u{n}: {{url: '{url}'{key}}}" for n, url in enumerate(urls)), "routes:"]
        rest = ", ".join(f"u{n}/x" for n in range(1, len(urls)))
        lines += [f"  m: [{{use: u0/x, else: [{rest}]}}]"]
        return Asked(profiles("\n".join(lines), **env), **how)

    return asked
