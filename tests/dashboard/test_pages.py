"""Every page as it is seen: both languages, dark and light, wide and narrow, and by who cannot see it."""

from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from dashboard.seen import PAGES, Seen, Window

if TYPE_CHECKING:
    from conftest import Serving

HEADINGS = {
    "en-GB": ["Overview", "Requests", "Models", "Setup", "Logs"],
    "zh-CN": ["总览", "请求", "模型", "接入", "日志"],
}
GRAVE = ("serious", "critical")
WIDER = "document.documentElement.scrollWidth - innerWidth"


def faults(seen: Seen, *rules: str) -> list[str]:
    """What axe-core finds serious by these rules, or by all, with the elements concerned."""
    only = {"runOnly": [*rules]} if rules else None
    found: list[dict[str, Any]] = Axe().run(seen.page, options=only).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", list(HEADINGS))
def test_every_page_fits_wide_and_narrow(
    idetour: "Serving", window: Window, locale: str, scheme: Literal["light", "dark"]
) -> None:
    seen = window(idetour, locale=locale, scheme=scheme)
    headings, over = [], {}
    for name in PAGES:
        seen.go(name)
        headings.append(seen.find("main h1").inner_text())
        for width in (1280, 360):
            seen.page.set_viewport_size({"width": width, "height": 800})
            over[name, width] = seen.evaluate(WIDER)

    assert headings == HEADINGS[locale]
    assert {where: wide for where, wide in over.items() if wide > 0} == {}
    assert seen.evaluate("document.documentElement.lang") == locale.replace("en-GB", "en")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault(
    idetour: "Serving", window: Window, scheme: Literal["light", "dark"]
) -> None:
    seen = window(idetour, scheme=scheme)
    rules = () if scheme == "light" else ("color-contrast",)  # what the theme decides
    found = {}
    for name in PAGES:
        seen.go(name)
        found[name] = faults(seen, *rules)
    seen.go("requests")
    seen.find("a.opens").click()
    seen.find("dialog")
    found["one request"] = faults(seen, *rules)
    seen.press("Escape")
    seen.page.set_viewport_size({"width": 360, "height": 800})
    found["narrow"] = faults(seen, *rules)
    seen.context.clear_cookies()
    seen.page.reload()
    seen.find("#token")
    found["the door"] = faults(seen, *rules)
    seen.page.goto(f"{seen.url}/login.html")
    seen.find("#account")
    found["the login"] = faults(seen, *rules)
    seen.forgive("401")

    assert {where: said for where, said in found.items() if said} == {}


def test_light_and_dark_follow_the_system_or_the_reader(idetour: "Serving", window: Window) -> None:
    def ground(seen: Seen) -> str:
        return str(seen.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    light, dark = (window(idetour, scheme=scheme) for scheme in ("light", "dark"))
    assert ground(light) != ground(dark)
    dark.page.get_by_label("Theme").select_option("light")
    assert ground(dark) == ground(light)
    dark.page.reload()
    assert ground(dark) == ground(light)


def test_the_reader_may_choose_the_other_language(idetour: "Serving", window: Window) -> None:
    seen = window(idetour)
    seen.button("中文").click()
    seen.find("h1", "总览")
    seen.page.reload()
    seen.find("h1", "总览")


def test_a_hundred_models_with_long_names_fit(
    fresh: "Serving", window: Window, profile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"model-{number}-{'with-a-very-long-name' * 4}" for number in range(100)]
    models = "".join(f"\n  {name}: demo/hello" for name in names)
    profile.write_text(profile.read_text().replace("models:", f"models:{models}"))
    seen = window(fresh, width=360)
    seen.go("models")
    seen.until("document.querySelectorAll('.list tbody tr').length > 100")
    assert seen.evaluate(WIDER) <= 0

    seen.page.get_by_label("Search").fill("model-77")
    seen.until("document.querySelectorAll('.list tbody tr').length === 1")


def test_names_are_text_and_never_markup(fresh: "Serving", window: Window) -> None:
    from endpoints.talk import chat

    chat(fresh.port, model="<img src=x onerror=alert(1)>", headers={"user-agent": "<b>Evil</b>/1"})
    seen = window(fresh)
    for name in ("requests", "logs"):
        seen.go(name)
        seen.find("main", "<img src=x")
    assert seen.page.locator("main img, main b").count() == 0
