"""What is described is what is served: no path too few, none too many, and each is really so."""

import json
from typing import Any

import pytest

from endpoints.talk import HELLO, ask, look
from idetour.endpoints import openapi
from idetour.endpoints.places import PLACES

ASKED = {**HELLO, "input": "hi"}
PAGES = {openapi.PATH, openapi.PAGE, "/auth", "/admin"}  # people's, not programs'


def served() -> set[tuple[str, str]]:
    ours = ((path, place) for path, place in PLACES.items() if place.who != "owner" and path not in PAGES)
    return {(path, method.lower()) for path, place in ours for method in place.answers if method != "HEAD"}


def test_every_path_of_programs_is_described_and_no_other() -> None:
    assert {(path, method) for path, methods in openapi.PATHS.items() for method in methods} == served()


def test_it_is_told_as_it_is(port: int) -> None:
    said: dict[str, Any] = look(port, "/openapi.json").json()
    assert said == openapi.SCHEMA


@pytest.mark.parametrize(("path", "method"), sorted(served()))
def test_what_is_needed_is_enough(port: int, path: str, method: str) -> None:
    operation = openapi.PATHS[path][method]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    needed = {name: ASKED[name] for name in body.get("required", ())}
    answer = ask(port, method.upper(), path, json.dumps(needed).encode() if body else b"")
    assert answer.status == 200 or answer.code in ("upstream_error", "bad_upstream_response"), answer.body


def test_the_page_needs_no_script_and_names_every_path(port: int) -> None:
    answer = look(port, "/docs")
    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page
    assert [path for path in openapi.PATHS if f" {path}</code>" not in page] == []
