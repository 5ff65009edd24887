import json
from collections.abc import Callable

import pytest

from endpoints.talk import ask, look
from idetour import __version__
from idetour.endpoints import health
from idetour.profile import Profile


@pytest.fixture
def profile(profiles: Callable[..., Profile]) -> Profile:
    return profiles("models: {m: demo/hello, n: demo/tools}")


def test_it_is_ok_and_says_what_it_offers(profile: Profile) -> None:
    assert json.loads(health.report(profile, {}, None)) == {
        "status": "ok",
        "version": __version__,
        "profile": profile.name,
        "models": 2,
        "problem": None,
    }


def test_it_is_degraded_while_the_profile_on_disk_is_broken(profile: Profile) -> None:
    report = json.loads(health.report(profile, {}, "profile.yaml:1:1: no"))
    assert (report["status"], report["problem"]) == ("degraded", "profile.yaml:1:1: no")


def test_a_page_cannot_be_scripted_by_a_name_a_problem_or_a_host(profiles: Callable[..., Profile]) -> None:
    profile = profiles("models: {'<script>alert(1)</script>': demo/hello}")
    page = health.page(profile, {}, "<img onerror=x>", '"><b>').decode()
    assert not any(bad in page for bad in ("<script", "<img", "<b>"))
    assert "&lt;script&gt;" in page


def test_a_browser_gets_a_page_and_a_program_json(port: int) -> None:
    page, report = look(port, accept="text/html,*/*"), look(port, accept="*/*")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (report.headers["content-type"], report.json()["status"]) == ("application/json", "ok")
    assert b"http://127.0.0.1/v1" in page.body


@pytest.mark.parametrize("path", ["/", "/health", "/health/", "//health"])
def test_a_look_costs_no_body(port: int, path: str) -> None:
    answer = ask(port, "HEAD", path)
    assert (answer.status, int(answer.headers["content-length"]) > 0) == (200, True)
