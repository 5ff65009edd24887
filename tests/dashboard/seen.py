"""A window on the dashboard, and what to look for in it."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

import upstream
from endpoints.admin.owning import got, own

if TYPE_CHECKING:
    from conftest import Serving

type Window = Callable[..., "Seen"]

PAGES = ("overview", "requests", "models", "setup", "logs")
VIOLATED = "addEventListener('securitypolicyviolation', (event) => console.error(`CSP: ${event.blockedURI}`))"
PATIENCE = 15_000.0  # milliseconds, for what has to come: the machine may be busy


class Seen:
    """A page for one reader, with a session. `complaints` are errors, and requests to anybody else."""

    def __init__(
        self,
        browser: Browser,
        port: int,
        *,
        locale: str = "en-GB",
        scheme: Literal["light", "dark"] = "light",
        width: int = 1280,
    ) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/admin"
        self.complaints: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": 720}, locale=locale, color_scheme=scheme
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(VIOLATED)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(link(port))
        self.page.wait_for_selector("main:not([aria-busy]) h1")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.complaints.append(f"asked {request.url}")

    def forgive(self, *words: str) -> None:
        """A refusal that the test itself provoked is no fault."""
        self.complaints = [each for each in self.complaints if not any(word in each for word in words)]

    def go(self, name: str) -> None:
        """To a page, and wait until it has drawn what it asked for."""
        self.page.evaluate("name => { location.hash = `#/${name}` }", name)
        self.page.wait_for_selector(f"#to-{name}[aria-current=page]")
        self.page.wait_for_selector("main:not([aria-busy]) h1")

    def find(self, selector: str, text: str | None = None) -> Locator:
        """The first of these that is shown, once there is one."""
        found = self.page.locator(selector, has_text=text).first
        found.wait_for()
        return found

    def row(self, name: str) -> Locator:
        """The line of a table that begins with exactly this."""
        start = self.page.locator("td:first-child .mono", has_text=re.compile(f"^{re.escape(name)}$"))
        return self.page.locator("tr").filter(has=start)

    def button(self, text: str, within: str = "") -> Locator:
        return self.find(f"{within} button", text)

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def until(self, script: str) -> None:
        """Wait until an expression is true in the page. Asked from outside: the page's policy forbids `eval`."""
        assert upstream.until(lambda: self.page.evaluate(script), within=PATIENCE / 1000), script

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def close(self) -> None:
        self.context.close()


def link(port: int) -> str:
    """What `idetour run` prints."""
    url: str = own(port, "POST", "/admin/api/link", {}).json()["url"]
    return url.replace("http://127.0.0.1/", f"http://127.0.0.1:{port}/")


def asked(server: "Serving") -> list[str]:
    """Ids of what was asked, the latest first."""
    return [each["id"] for each in got(server.port, "requests")["requests"]]
