"""A browser's way in, over HTTP: link, cookie, page; and out again."""

from typing import TYPE_CHECKING

from endpoints.admin.owning import STATUS, TOKEN, own
from endpoints.talk import Answer, ask, look
from idetour.endpoints.admin import CLEAR, SESSION
from idetour.endpoints.admin.session import PAGE, link

if TYPE_CHECKING:
    from conftest import Serving

LINK = "/admin/api/link"


def enter(port: int, token: str) -> Answer:
    body = b'{"token": "%s"}' % token.encode()
    return ask(port, "POST", SESSION, body, content_type="application/json", host=f"127.0.0.1:{port}")


def browser(port: int) -> dict[str, str]:
    """The headers of a page that has come in."""
    cookie = enter(port, link(TOKEN)).headers["set-cookie"].partition(";")[0]
    return {"cookie": cookie, "host": f"127.0.0.1:{port}"}


def test_a_link_becomes_a_cookie_that_no_script_and_no_other_site_gets(owned: "Serving") -> None:
    answer = enter(owned.port, link(TOKEN))
    words = answer.headers["set-cookie"].split("; ")

    assert answer.status == 200
    assert {"HttpOnly", "SameSite=Strict", "Path=/admin"} <= set(words)
    assert words[0].startswith(f"idetour-{owned.port}=")
    assert TOKEN.reveal() not in answer.body.decode()


def test_the_second_time_it_is_refused_with_what_to_do(owned: "Serving") -> None:
    shown = link(TOKEN)
    enter(owned.port, shown)
    answer = enter(owned.port, shown)

    assert (answer.status, answer.code) == (401, "link_used")
    assert "idetour status link" in answer.json()["error"]["message"]
    assert "set-cookie" not in answer.headers


def test_the_cookie_opens_what_lies_below_admin(owned: "Serving") -> None:
    page = browser(owned.port)

    assert look(owned.port, STATUS, **page).status == 200
    assert look(owned.port, SESSION, **page).json()["expires"] > 0
    assert look(owned.port, STATUS, host=page["host"], cookie="idetour-1=x").status == 401


def test_a_change_needs_the_pages_header_and_json(owned: "Serving") -> None:
    page = browser(owned.port) | {"content_type": "application/json"}

    assert ask(owned.port, "POST", CLEAR, b"{}", **page).status == 403
    assert ask(owned.port, "POST", CLEAR, b"{}", **page, **{PAGE: "1"}).status == 200
    form = page | {"content_type": "text/plain", PAGE: "1"}
    assert ask(owned.port, "POST", CLEAR, b"{}", **form).status == 415


def test_a_page_of_another_local_server_is_refused_although_the_browser_sends_the_cookie(
    owned: "Serving",
) -> None:
    page = browser(owned.port)

    for other in ("http://127.0.0.1:3000", "http://localhost:8080"):
        assert look(owned.port, STATUS, **page, origin=other).status == 403
    assert look(owned.port, STATUS, **page, sec_fetch_site="same-site").status == 403


def test_leaving_ends_it(owned: "Serving") -> None:
    page = browser(owned.port)
    answer = ask(owned.port, "DELETE", SESSION, b"", **page, **{PAGE: "1"})

    assert (answer.status, "Max-Age=0" in answer.headers["set-cookie"]) == (200, True)
    assert look(owned.port, STATUS, **page).status == 401


def test_the_owner_gets_a_fresh_link_under_the_name_that_was_used(owned: "Serving") -> None:
    url = own(owned.port, "POST", LINK, {}, host=f"localhost:{owned.port}").json()["url"]
    start, _, token = url.partition("#token=")

    assert start == f"http://localhost:{owned.port}/admin"
    assert enter(owned.port, token).status == 200


def test_the_admin_token_itself_is_taken_and_a_wrong_one_is_not(owned: "Serving") -> None:
    assert enter(owned.port, TOKEN.reveal()).status == 200
    assert enter(owned.port, "x" * 43).status == 401
