"""A gateway with one upstream behind it, whose key is a canary."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest

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
def client(port: int) -> Iterator[openai.OpenAI]:
    """OpenAI's SDK, which asks the gateway."""
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def bilingual(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Any], upstreams: Callable[..., Upstream]
) -> tuple[int, Upstream, Upstream]:
    """A port, an upstream that speaks Responses (`r`) and one that speaks Chat (`m`); `both` tries them in this order."""
    speaks, other = upstreams(), upstreams()
    text = f"""
upstreams: {{r: {{url: '{speaks.url}', speaks: responses}}, o: {{url: '{other.url}'}}}}
models: {{r: r/gpt-up, m: o/model}}
routes: {{both: [{{use: r, else: [m]}}]}}
"""
    return serving(profile_file(text)).port, speaks, other
