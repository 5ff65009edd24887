"""What the dashboard costs while it is looked at: `python tools/bench/page.py [SECONDS]`.

An idetour with 100,000 requests in its store, five new ones a second, and each
page open in Chromium in turn: how long its API takes to answer, and how much of
a core the browser needs. Both are what a reader of that page would have.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT / "addons"), str(ROOT / "tests")]

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402  # found by the line above

from conftest import Serving  # noqa: E402
from dashboard.seen import PAGES, link  # noqa: E402
from endpoints.admin.owning import TOKEN  # noqa: E402
from endpoints.talk import chat  # noqa: E402
from idetour.usage.database import opened  # noqa: E402
from idetour.usage.store import FILE, write  # noqa: E402
from upstream import Upstream  # noqa: E402
from usage.rows import many  # noqa: E402

REQUESTS, A_SECOND = 100_000, 5
TICKS = os.sysconf("SC_CLK_TCK")
ASKED = """() => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/admin/api/")
    && !name.endsWith("/events")).map(({ name, duration }) => [name.split("/admin/api")[1], duration])"""


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as folder, Upstream() as upstream, sync_playwright() as playwright:
        os.environ["IDETOUR_HOME"] = folder
        server = filled(Path(folder), upstream.url)
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with server, contextlib.closing(browser), asking(server.port):
            for name in PAGES:
                share, (path, took) = looked(browser, server.port, name, seconds)
                print(f"{name:10}{share:7.1%} of a core; slowest answer {took:5.0f} ms, {path}")


def filled(folder: Path, url: str) -> Serving:
    state, profile = folder / "state", folder / "profile.yaml"
    state.mkdir()
    profile.write_text(f"upstreams: {{up: {{url: '{url}'}}}}\nmodels: {{m: up/model}}", encoding="utf-8")
    with contextlib.closing(opened(state / FILE)) as database, database:
        write(database, [*many(REQUESTS, days=30)])
    return Serving(profile, state=state, admin=TOKEN)


@contextlib.contextmanager
def asking(port: int) -> Iterator[None]:
    """Five requests a second, until it ends."""
    over = threading.Event()

    def ask() -> None:
        while not over.wait(1 / A_SECOND):
            chat(port, stream=True)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def looked(browser: Browser, port: int, name: str, seconds: float) -> tuple[float, tuple[str, float]]:
    """The browser's share of a core while a page is open; its slowest path, and the median in ms of that."""
    page: Page = browser.new_page()
    page.add_init_script(
        "performance.setResourceTimingBufferSize(10000); localStorage.setItem('range', '30d')"
    )
    page.goto(link(port))
    page.wait_for_selector("main:not([aria-busy]) h1")
    page.evaluate("name => { performance.clearResourceTimings(); location.hash = `#/${name}` }", name)
    page.wait_for_selector(f"#to-{name}[aria-current=page]")
    page.wait_for_selector("main:not([aria-busy]) h1")
    before, began = spent(), time.monotonic()
    page.wait_for_timeout(seconds * 1000)
    share = (spent() - before) / (time.monotonic() - began)
    answers: dict[str, list[float]] = defaultdict(list)
    for path, took in page.evaluate(ASKED):
        answers[path].append(took)
    page.close()
    if not answers:
        return share, ("nothing but events", 0.0)  # it was open already
    return share, max(((path, median(took)) for path, took in answers.items()), key=lambda each: each[1])


def spent() -> float:
    """Seconds of CPU that our browser's processes have used so far."""
    ours, found = {os.getpid()}, 0.0
    for pid in sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
        with contextlib.suppress(OSError):
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
            fields = rest.split()
            if int(fields[1]) in ours:
                ours.add(pid)
                found += (int(fields[11]) + int(fields[12])) / TICKS if "chrom" in name else 0.0
    return found


if __name__ == "__main__":
    main()
