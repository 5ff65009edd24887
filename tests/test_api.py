"""docs/api.md is the HTTP interface as it is: every path, every error code, and examples that are run."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from endpoints.talk import Answer, ask
from idetour import errors
from idetour.endpoints import places
from idetour.endpoints.admin import METHODS as ADMINISTERED
from idetour.secret import Secret

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = (ROOT / "docs" / name for name in ("api.md", "api.zh-CN.md"))
LAYERS = ("endpoints", "gateway", "routes", "wire")
PAGES = [ENGLISH, CHINESE]
TOKEN = Secret("t" * 43)
# Those that never end, need what only an earlier answer has, or look at the whole machine.
NOT_RUN = {
    "/admin/api/events",
    "/admin/api/record",
    "/admin/api/tokens/said",
    "/admin/api/doctor",
    "/admin/api/session",
    "/admin/api/again",
}
NOT_RUN |= {"/admin/api/requests/{id}"}
ROW = re.compile(r"^\| (?P<paths>`/.*?) \| (?P<methods>[A-Z, ]+) \|", re.MULTILINE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r'(?:code=|Verdict\("[^"]+", \d+, )"([a-z_]+)"')
LOGINS = {"/auth/initiate", "/auth/poll", "/admin/api/login", "/admin/api/login/poll"}  # they ask Qwen
PROFILE = """
models: { coder: demo/hello, thinker: demo/thinker }
routes: { gpt-4o: [{ use: { coder: 3, thinker: 1 } }] }
offer: available
"""


def served(page: Path) -> dict[str, tuple[str, ...]]:
    """The paths of the page's table, each with its methods."""
    rows = ROW.finditer(page.read_text("utf-8"))
    return {
        path: tuple(row["methods"].split(", "))
        for row in rows
        for path in re.findall(r"`(/.*?)`", row["paths"])
    }


def curls() -> Iterator[list[str]]:
    for language, text in BLOCK.findall(ENGLISH.read_text("utf-8")):
        if language == "sh":
            yield from (shlex.split(line) for line in text.splitlines() if line.startswith("curl "))


def answered(words: list[str], port: int) -> Answer:
    """What our server says to a curl command."""
    url = next(word for word in words if word.startswith("http"))
    body = words[words.index("-d") + 1].encode() if "-d" in words else b""
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
    pairs = (words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    headers = {name: TOKEN.reveal() if value.startswith("$(") else value for name, value in pairs}
    path = url.removeprefix("http://127.0.0.1:8080")
    return ask(port, method, path, body, **headers)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_is_served_is_described_with_its_methods(page: Path) -> None:
    described = served(page)

    assert {path: described.get(path) for path in places.METHODS} == places.METHODS
    assert {path.rpartition("/")[0] for path in described.keys() - places.METHODS} <= places.METHODS.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_error_code_is_explained(page: Path) -> None:
    files = [path for layer in LAYERS for path in (ROOT / "addons" / "idetour" / layer).rglob("*.py")]
    codes = {code for path in files for code in CODE.findall(path.read_text("utf-8"))}
    codes |= {error.code for error in vars(errors).values() if isinstance(getattr(error, "code", None), str)}

    assert {"not_found", "admin_token_required", "overloaded"} <= codes  # each way to write one is found
    assert codes - set(re.findall(r"`([a-z_]+)`", page.read_text("utf-8"))) == set()


@pytest.mark.parametrize("words", [*curls()], ids=lambda words: " ".join(words)[:70])
def test_every_example_is_answered(
    serving: Callable[..., Any], profile_file: Callable[..., Path], tmp_path: Path, words: list[str]
) -> None:
    port = serving(profile_file(PROFILE), admin=TOKEN, state=tmp_path).port
    answer = answered(words, port)

    assert answer.status == 200, answer.body


def test_the_owners_paths_and_those_for_scripts_have_examples() -> None:
    paths = {urlsplit(word).path for words in curls() for word in words if word.startswith("http")}

    assert paths >= {places.CHAT, places.MODELS, "/api/chat", "/api/claude", *ADMINISTERED} - LOGINS - NOT_RUN


def test_both_languages_show_the_same() -> None:
    assert BLOCK.findall(ENGLISH.read_text("utf-8")) == BLOCK.findall(CHINESE.read_text("utf-8"))
