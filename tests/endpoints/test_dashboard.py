"""The dashboard's files: what lies there and nothing else, under a policy that allows nothing from elsewhere."""

from pathlib import Path
from typing import Any

import pytest

from endpoints.talk import ask, look
from idetour.endpoints import dashboard
from idetour.endpoints.dashboard import ADMIN, FOLDER, files
from idetour.endpoints.places import PLACES, find


def test_the_page_and_all_that_lies_beside_it_are_served(port: int) -> None:
    assert look(port, "/admin").body == (FOLDER / "index.html").read_bytes()
    for name, file in files().items():
        answer = look(port, f"/admin/{name}")
        assert (answer.status, answer.body) == (200, file.content), name
        assert answer.headers["content-type"] == file.type


def test_nothing_from_elsewhere_may_run_in_it_and_nobody_may_frame_it(port: int) -> None:
    policy = look(port, "/admin").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_what_the_browser_has_is_not_sent_again(port: int) -> None:
    tag = look(port, "/admin").headers["etag"]
    again = look(port, "/admin", if_none_match=f'W/"x", {tag}')

    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert look(port, "/admin", if_none_match='"x"').status == 200


@pytest.mark.parametrize(
    "name", ["nothing.js", "../app.py", "..%2fapp.py", "%2e%2e/secret.py", "vendor", "__init__.py"]
)
def test_nothing_else_is(port: int, name: str) -> None:
    answer = look(port, f"/admin/{name}")

    assert answer.status in (401, 404)
    assert b"import " not in answer.body


def test_it_needs_no_key_even_where_others_do(served: Any) -> None:
    port = served("access: the-access-key-1").port

    assert look(port, "/admin").status == 200
    assert ask(port, "POST", "/admin").status == 405
    assert look(port, "/admin", host="evil.example").status == 403


def test_the_api_is_no_file() -> None:
    assert [
        find(path) is PLACES[ADMIN]
        for path in ("/admin", "/admin/app.js", "/admin/api/status", "/administer")
    ] == [
        True,
        True,
        False,
        False,
    ]


def test_hidden_files_stay_hidden_and_types_are_told(tmp_path: Path) -> None:
    for name in ("index.html", ".secret", "a.js", "b.svg", "c.bin"):
        (tmp_path / name).write_text("x")

    assert {name: file.type for name, file in dashboard.files(tmp_path).items()} == {
        "index.html": "text/html; charset=utf-8",
        "a.js": "text/javascript; charset=utf-8",
        "b.svg": "image/svg+xml",
        "c.bin": "application/octet-stream",
    }
