"""The dashboard in a real Chromium, in front of an idetour that has a past. Without one, these tests are skipped."""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, sync_playwright

from dashboard.past import remembered
from dashboard.seen import Seen, Window
from endpoints.admin.owning import TOKEN
from upstream import Upstream

if TYPE_CHECKING:
    from conftest import Serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu")  # tests run as root in containers, and nobody there has a GPU
CANARY = "sk-canary-dash-77aa5c"
PROFILE = """
upstreams:
  up: {{ url: "{url}", key: $CANARY }}
models:
  coder: {{ to: up/coder, with: {{ temperature: 0.7 }} }}
  thinker: demo/thinker
  hello: demo/hello
routes:
  gpt-4o:
    - when: {{ says: [refactor, 重构] }}
      use: coder
      else: hello
    - use: {{ coder: 3, thinker: 1 }}
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="FOLDER", help="keep the pictures of the docs here")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module: to start it takes a second."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium here: none of {', '.join(NAMES)} is on the PATH")
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=found, args=FLAGS)) as made,
    ):
        yield made


@pytest.fixture
def profile(
    profile_file: Callable[..., Path],
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Path:
    """A route with weights and a condition, an upstream that does as a test says, and the demo."""
    monkeypatch.setenv("CANARY", CANARY)
    caplog.set_level(logging.INFO, logger="idetour")  # as `idetour run` has it
    return profile_file(PROFILE.format(url=upstream.url))


@pytest.fixture
def fresh(serving: Callable[..., "Serving"], profile: Path, tmp_path: Path) -> "Serving":
    """An idetour that nobody has asked anything yet."""
    (tmp_path / "state").mkdir()
    return serving(profile, state=tmp_path / "state", admin=TOKEN)


@pytest.fixture
def idetour(serving: Callable[..., "Serving"], profile: Path, tmp_path: Path) -> "Serving":
    """One that was used for a week."""
    (tmp_path / "state").mkdir()
    remembered(tmp_path / "state")
    return serving(profile, state=tmp_path / "state", admin=TOKEN)


@pytest.fixture
def window(browser: Browser) -> Iterator[Window]:
    """`window(idetour, locale="zh-CN")` lets the owner in. Whatever a page complained of fails the test."""
    seen: list[Seen] = []

    def opened(server: "Serving", **how: str | int) -> Seen:
        seen.append(Seen(browser, server.port, **how))  # type: ignore[arg-type]
        return seen[-1]

    yield opened
    complaints = [each for one in seen for each in one.complaints]
    for one in seen:
        one.close()
    assert complaints == []
