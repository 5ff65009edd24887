"""The pictures of docs/dashboard.md, taken each time, so that they can be taken anew: tools/screenshots.py keeps them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from dashboard.past import NIM, PLUS
from dashboard.seen import Window

if TYPE_CHECKING:
    from conftest import Serving

MOST_BYTES = 120_000
WIDE, NARROW = 1200, 360
PROFILE = f"""
models:
  coder: {NIM}
  plus: {PLUS}
  thinker: demo/thinker
routes:
  gpt-4o:
    - when: {{ says: [refactor, debug, 重构, 报错] }}
      use: coder
      else: plus
    - use: {{ coder: 3, plus: 1 }}
      else: thinker
"""


@pytest.fixture
def profile(
    profile_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Path:
    """One with models that people have. Nobody asks them anything."""
    for name in ("NVIDIA_API_KEY", "DASHSCOPE_API_KEY"):
        monkeypatch.setenv(name, "sk-0000000000000000f3a1")
    return profile_file(PROFILE)


@pytest.fixture
def album(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    chosen: Any = request.config.getoption("--screenshots", None)  # unknown unless this folder is named
    return Path(chosen) if chosen else tmp_path


@pytest.mark.parametrize(
    ("name", "page", "locale", "scheme", "width"),
    [
        ("overview", "overview", "en-GB", "light", WIDE),
        ("request", "requests", "en-GB", "light", WIDE),
        ("models", "models", "en-GB", "dark", WIDE),
        ("overview.zh-CN", "overview", "zh-CN", "light", WIDE),
        ("setup.zh-CN", "setup", "zh-CN", "dark", 1000),
        ("narrow", "requests", "en-GB", "light", NARROW),
    ],
)
def test_it_fits_into_the_docs(
    idetour: "Serving",
    window: Window,
    album: Path,
    name: str,
    page: str,
    locale: str,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    seen = window(idetour, locale=locale, scheme=scheme, width=width)
    seen.go(page)
    if page == "overview":
        seen.find("main select").select_option("7d")
        seen.until("document.querySelectorAll('.strip')[0].children.length > 48")
        seen.find(".course", PLUS)
    if name == "request":
        seen.find("tr", "absorbed").locator("a.opens").click()
        seen.find("dialog .timeline")
    if name == "models":
        seen.evaluate(
            "document.querySelectorAll('main .card')[1].scrollIntoView()"
        )  # the first names a file here
    album.mkdir(parents=True, exist_ok=True)
    path = album / f"dashboard-{name}.png"
    seen.page.screenshot(path=path, animations="disabled")

    assert 5_000 < path.stat().st_size <= MOST_BYTES
