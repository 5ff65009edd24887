"""A gateway in front of upstreams that misbehave, and a key that must never be seen."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.client import Asking
from upstream import Upstream

if TYPE_CHECKING:
    from conftest import Serving

KEY = "sk-canary-0123456789-abcdefghij"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of every upstream of `detour`."""
    monkeypatch.setenv("CANARY_KEY", KEY)
    return KEY


def written(*places: str, first_byte: float, **words: object) -> str:
    """A profile whose model `m` is answered by the first place, and by the others in turn when it fails."""
    more = "".join(f", {word}: {value}" for word, value in words.items())
    lines = ["upstreams:"]
    for number, url in enumerate(places):
        lines.append(f"  up{number}: {{url: {url}, key: $CANARY_KEY, first_byte: {first_byte}{more}}}")
    others = ", ".join(f"up{number}/model" for number in range(1, len(places)))
    return "\n".join([*lines, "routes:", "  m:", f"    - {{use: up0/model, else: [{others}]}}", ""])


@pytest.fixture
def detour(
    serving: Callable[[Path], "Serving"], profile_file: Callable[..., Path], key: str
) -> Callable[..., Asking]:
    """`detour(first, second, first_byte=0.2)`: upstreams, or URLs of what is none."""

    def start(*places: Upstream | str, first_byte: float = 0.5, **words: object) -> Asking:
        urls = [place.url if isinstance(place, Upstream) else place for place in places]
        return Asking(serving(profile_file(written(*urls, first_byte=first_byte, **words))).url)

    return start
