"""What can be done on the page, done as its reader would do it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from dashboard.conftest import CANARY
from dashboard.seen import Window, asked, link
from endpoints.admin.owning import TOKEN, got
from endpoints.talk import chat
from upstream import Upstream, objecting, status, stream, until

if TYPE_CHECKING:
    from conftest import Serving

TALK = [{"role": "user", "content": "hello"}]
FETCH = "([url, how]) => fetch(url, how).then((answer) => answer.status, () => 'refused by the browser')"
ROWS = "[...document.querySelectorAll('.requests tbody tr')].map((row) => row.dataset.id)"


def test_a_used_link_is_refused_with_a_sentence(fresh: "Serving", window: Window) -> None:
    seen = window(fresh)
    used = link(fresh.port)
    seen.page.goto(used)
    seen.find("nav")
    seen.context.clear_cookies()
    seen.page.goto("about:blank")
    seen.page.goto(used)
    seen.find("[role=alert]", "used already")
    assert "token=" not in seen.page.url

    seen.page.get_by_label("Admin token").fill(TOKEN.reveal())
    seen.button("Enter").click()
    seen.find("nav")
    seen.forgive("401", "about:blank")


def test_who_logs_out_is_out(fresh: "Serving", window: Window) -> None:
    seen = window(fresh)
    seen.button("Log out").click()
    seen.find("#token")
    seen.page.reload()
    seen.find("#token")
    seen.forgive("401")


def test_a_new_start_asks_for_its_new_link(
    serving: Callable[..., "Serving"], profile: Path, free_port: int, window: Window
) -> None:
    first = serving(profile, port=free_port, admin=TOKEN)
    seen = window(first)
    seen.until("document.getElementById('live').dataset.state === 'open'")
    asyncio.run_coroutine_threadsafe(first._stop(), first._loop).result(10)
    serving(profile, port=free_port, admin=TOKEN)
    seen.find("[role=alert]", "started anew")
    seen.page.goto(link(free_port))
    seen.find("nav")
    seen.forgive("401", "ERR_", "Failed to load")


def test_another_page_cannot_use_the_session(fresh: "Serving", window: Window, upstream: Upstream) -> None:
    """Another port of the same machine is the same site: its requests do come with our cookie."""
    seen = window(fresh)
    seen.page.goto(f"{upstream.url.removesuffix('/v1')}/anything")
    plain = {"method": "POST", "mode": "no-cors", "credentials": "include", "body": "{}"}
    statuses: list[int] = []
    seen.page.on(
        "response", lambda answer: statuses.append(answer.status) if "/admin/" in answer.url else None
    )
    for path in ("clear", "switches", "session"):
        seen.evaluate(FETCH, [f"{seen.url}/api/{path}", plain])
    seen.evaluate(FETCH, [f"{seen.url}/api/status", {"credentials": "include"}])
    seen.evaluate(FETCH, [f"{seen.url}/api/status", {"credentials": "include", "mode": "no-cors"}])
    seen.complaints.clear()

    assert len(statuses) >= 4
    assert {each for each in statuses if each < 400} == set()


def test_everything_is_reached_by_keyboard(idetour: "Serving", window: Window) -> None:
    seen = window(idetour)
    for key, name in enumerate(("overview", "requests", "models", "setup", "logs"), 1):
        seen.press(str(key))
        seen.find(f"#to-{name}[aria-current=page]")
    seen.press("2")
    seen.find("a.opens")
    seen.press("/")
    assert seen.evaluate("document.activeElement.type") == "search"
    seen.press("Tab", "Tab")
    opened = seen.evaluate("document.activeElement.closest('tr').dataset.id")
    seen.press("Enter")
    seen.find("dialog")
    assert seen.page.url.endswith(f"#/requests/{opened}")
    seen.press("Escape")
    seen.page.wait_for_selector("dialog", state="detached")
    assert seen.evaluate("document.activeElement.closest('tr').dataset.id") == opened
    seen.press("?")
    seen.find("dialog", "1 – 5")


def test_the_first_tab_skips_to_the_content(fresh: "Serving", window: Window) -> None:
    seen = window(fresh)
    seen.press("Tab")
    assert seen.evaluate("document.activeElement.className") == "skip"
    seen.press("Enter")
    assert seen.evaluate("document.activeElement.id") == "main"


def test_a_test_grows_while_it_is_answered(fresh: "Serving", upstream: Upstream, window: Window) -> None:
    gate = Event()
    upstream.then(stream("Hel", "lo, ", "world").held_after(2, gate), asked="coder")
    seen = window(fresh)
    seen.go("models")
    seen.row("coder").get_by_role("button", name="Test").click()
    seen.until("document.querySelector('dialog .answer:not(.muted)').textContent === 'Hel'")
    gate.set()
    seen.until("document.querySelector('dialog .answer:not(.muted)').textContent === 'Hello, world'")
    seen.find("dialog header p", "stop")


def test_a_test_that_fails_says_why(fresh: "Serving", upstream: Upstream, window: Window) -> None:
    upstream.always(status(401), asked="coder")
    seen = window(fresh)
    seen.go("models")
    seen.row("coder").get_by_role("button", name="Test").click()
    seen.find("dialog .notice[data-level=bad]", "up")
    seen.forgive("Failed to load")


def test_a_new_request_is_told_of_and_moves_no_row(idetour: "Serving", window: Window) -> None:
    seen = window(idetour)
    seen.go("requests")
    seen.find("a.opens")
    before = seen.evaluate(ROWS)
    chat(idetour.port, model="hello", messages=TALK)
    seen.button("1 new")
    assert seen.evaluate(ROWS) == before

    seen.button("1 new").click()
    seen.until(f"document.querySelector('.requests tbody tr').dataset.id === {json.dumps(asked(idetour)[0])}")
    assert seen.evaluate(ROWS)[1:] == before[:-1]


def test_more_of_the_past_is_a_click_away(idetour: "Serving", window: Window) -> None:
    seen = window(idetour)
    seen.go("requests")
    seen.button("Older ones").click()
    seen.until("document.querySelectorAll('.requests tbody tr').length === 100")
    seen.page.get_by_label("Outcome").select_option("failed")
    seen.until(
        "[...document.querySelectorAll('td.outcome')].every((each) => each.textContent.startsWith('failed'))"
    )
    seen.page.get_by_label("Search by").fill("nothing of that kind")
    seen.find(".empty", "Nothing matches")


def test_a_request_shows_its_course_and_what_was_changed(idetour: "Serving", window: Window) -> None:
    seen = window(idetour)
    seen.go("requests")
    seen.find("tr", "absorbed").locator("a.opens").click()
    assert seen.find(".timeline").locator("li").count() == 3
    assert seen.find(".timeline li").inner_text().startswith("nim/")
    lost, made = (seen.find(".diff").locator(each).all_inner_texts() for each in ("del", "ins"))
    assert lost == ["max_completion_tokens", "metadata", "temperature: 1.8", "seed"]
    assert made == ["max_tokens", "temperature: 1", "top_p: 0.8", "messages"]
    reasons = seen.find(".diff").locator("small").all_inner_texts()
    assert reasons[:4] == [
        *("how dashscope calls it", "dashscope wants it left out"),
        *("plus always sets it", "a default of the catalog"),
    ]
    assert seen.find(".diff li", "reasoning put back")


def test_a_refused_request_is_found_and_says_why(
    serving: Callable[..., "Serving"], profile: Path, tmp_path: Path, window: Window
) -> None:
    profile.write_text(f"access: the-access-key-1\n{profile.read_text()}")
    (tmp_path / "state").mkdir()
    server = serving(profile, state=tmp_path / "state", admin=TOKEN)
    refused = chat(server.port, model="hello", messages=TALK)
    seen = window(server)
    seen.go("requests")
    seen.page.get_by_label("Outcome").select_option("refused")
    seen.find("tr", "/v1/chat/completions").locator("a.opens").click()
    seen.find("dialog .notice", "access key")
    seen.find("dialog dd", refused.headers["x-idetour-request-id"])
    assert seen.page.locator("dialog .timeline").count() == 0


def test_one_is_sent_again_to_two_models_side_by_side(
    fresh: "Serving", upstream: Upstream, window: Window
) -> None:
    chat(fresh.port, model="coder", messages=[{"role": "user", "content": f"the plan, {CANARY}"}])
    upstream.always(stream("one"), asked="first")
    upstream.always(stream("two"), asked="second")
    seen = window(fresh)
    seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen.go("requests")
    seen.find("a.opens").click()
    seen.find("dialog").get_by_label("Model", exact=True).fill("up/first")
    seen.find("dialog").get_by_label("compare with").fill("up/second")
    seen.button("Send again").click()
    seen.until(
        "[...document.querySelectorAll('dialog .columns .answer:not(.muted)')].map((each) => each.textContent).join() === 'one,two'"
    )
    assert "the plan" in str(upstream.requests[-1].json()["messages"])

    seen.button("Copy as curl").click()
    seen.button("Copied")
    copied = seen.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl -N http://127.0.0.1:{fresh.port}/v1/chat/completions")
    assert "the plan" in copied
    assert CANARY not in copied


def test_a_weight_is_moved_seen_and_taken_back(fresh: "Serving", window: Window) -> None:
    seen = window(fresh)
    seen.go("models")
    slider = seen.page.get_by_label("thinker", exact=True)
    slider.focus()
    seen.press("ArrowRight", "ArrowRight")
    assert seen.find(".weighed", "thinker").locator("output").inner_text() == "50%"
    assert got(fresh.port, "weights") == {"differs": {}}

    seen.button("Apply").click()
    seen.find(".badge", "differs from the profile")
    assert got(fresh.port, "weights")["differs"] == {"gpt-4o": {"thinker": {"was": 1, "now": 3}}}
    seen.button("As in the profile").click()
    assert until(lambda: got(fresh.port, "weights") == {"differs": {}})


def test_a_weight_is_that_of_its_rule(fresh: "Serving", window: Window) -> None:
    seen = window(fresh)
    seen.go("models")
    seen.page.get_by_label("coder", exact=True).focus()
    seen.press("ArrowRight")
    seen.button("Apply").click()

    seen.find(".badge", "differs from the profile")
    assert got(fresh.port, "weights")["differs"] == {"gpt-4o": {"2": {"coder": {"was": 3, "now": 4}}}}


def test_a_target_is_switched_off_and_on(fresh: "Serving", window: Window) -> None:
    seen = window(fresh)
    seen.go("models")
    seen.row("coder").get_by_role("button", name="Switch off").click()
    seen.row("coder").locator(".badge", has_text="off").wait_for()
    assert got(fresh.port, "switches") == {"off": ["up/coder"]}
    seen.row("coder").get_by_role("button", name="Switch on").click()
    assert until(lambda: got(fresh.port, "switches") == {"off": []})


def test_who_rests_is_shown_and_asked_again(fresh: "Serving", upstream: Upstream, window: Window) -> None:
    upstream.always(status(429).saying(retry_after="600"), asked="coder")
    chat(fresh.port, model="gpt-4o", messages=[{"role": "user", "content": "refactor"}])
    seen = window(fresh)
    seen.find(".card tr", "up/coder").get_by_role("button", name="Ask again now").click()
    seen.find("main", "All targets are well.")


def test_what_was_learned_is_forgotten(fresh: "Serving", upstream: Upstream, window: Window) -> None:
    upstream.always(objecting(lambda body: "Unknown parameter: 'seed'." if "seed" in body else None))
    chat(fresh.port, model="coder", messages=TALK, seed=7)
    seen = window(fresh)
    seen.go("models")
    seen.find("tr", "seed dropped").get_by_role("button", name="Forget").click()
    assert until(lambda: got(fresh.port, "quirks") == {"quirks": []})


def test_a_broken_profile_is_told_at_its_line(fresh: "Serving", profile: Path, window: Window) -> None:
    seen = window(fresh)
    good = profile.read_text()
    profile.write_text(good.replace("thinker: demo/thinker", "thinker: demo/thinker\n  coder: demo/hello"))
    seen.go("overview")
    seen.find("[role=alert]", "has problems")
    seen.go("models")
    seen.find(".notice", "Line 7:")
    marked = seen.find(".source [data-level=bad]").inner_text()
    assert marked.split()[:3] == ["7", "coder:", "demo/hello"]
    profile.write_text(good)
    seen.page.wait_for_selector(".source [data-level=bad]", state="detached")
    assert CANARY not in seen.page.content()


def test_a_dry_run_says_which_rule_holds(fresh: "Serving", upstream: Upstream, window: Window) -> None:
    seen = window(fresh)
    seen.go("models")
    field = seen.page.get_by_label("Try a request")
    field.fill("{")
    seen.button("Explain").click()
    seen.find("[role=alert]", "no JSON")
    field.fill(json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "请重构"}]}))
    seen.button("Explain").click()
    seen.find(".steps [data-done=true]", "coder")
    assert seen.find(".order").locator(".mono").all_inner_texts() == ["up/coder", "demo/hello"]
    assert upstream.requests == []


def test_the_first_request_is_ticked_off_as_it_comes(fresh: "Serving", window: Window) -> None:
    seen = window(fresh)
    seen.go("setup")
    seen.find(".steps > [data-done=false]", "The first request")
    chat(fresh.port, model="hello", messages=TALK)
    seen.find(".steps > [data-done=true]", "The first request").locator("a").click()
    seen.find("a.opens")


def test_the_doctor_finds_while_it_is_watched(fresh: "Serving", window: Window) -> None:
    seen = window(fresh)
    seen.go("setup")
    seen.button("Examine").click()
    seen.find(".finding .badge", "works")


def test_the_log_is_live_searched_and_downloaded(fresh: "Serving", window: Window) -> None:
    chat(fresh.port, model="nobody", messages=TALK)
    seen = window(fresh)
    seen.go("logs")
    seen.find(".log div", "nobody")
    chat(fresh.port, model="hello", messages=TALK)
    seen.find(".log div", "hello → demo/hello")
    seen.page.get_by_label("Search").fill("nobody")
    seen.until("document.querySelectorAll('.log div').length === 1")
    with seen.page.expect_download() as download:
        seen.button("Download").click()
    assert "hello" not in Path(download.value.path()).read_text()
    assert "nobody" in Path(download.value.path()).read_text()


def test_usage_that_cannot_be_written_is_told(fresh: "Serving", window: Window) -> None:
    store: Any = fresh.gateway.pipeline.chronicle.store
    store.dropped = 3
    seen = window(fresh)
    seen.go("overview")
    seen.find("[role=alert]", "3 requests are missing")
