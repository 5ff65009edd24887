"""Requests that go straight through a pipeline."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.asking import Ask, Asked
from idetour.profile import Profile


@pytest.fixture
def ask(profiles: Callable[..., Profile]) -> Ask:
    """`ask(upstream.url, …)`: `m` is a route over one model at each of these URLs, in this order."""

    def asked(*urls: str, keys: str = "", env: Mapping[str, str] = {}, **how: Any) -> Asked:
        key = f", key: {keys}" if keys else ""
        lines = ["upstreams:", *(f"  u{n}: {{url: '{url}'{key}}}" for n, url in enumerate(urls)), "routes:"]
        rest = ", ".join(f"u{n}/x" for n in range(1, len(urls)))
        lines += [f"  m: [{{use: u0/x, else: [{rest}]}}]"]
        return Asked(profiles("\n".join(lines), **env), **how)

    return asked
