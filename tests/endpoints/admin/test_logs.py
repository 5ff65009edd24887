"""The end of the log: read backwards, filtered, page by page, whatever else stands in the file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.admin.owning import got, own
from idetour.endpoints.admin import logs
from idetour.endpoints.admin.logs import backwards, tail

if TYPE_CHECKING:
    from conftest import Serving


def written(path: Path, *lines: dict[str, Any] | str) -> Path:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def line(text: str, level: str = "info", request: str | None = None) -> dict[str, Any]:
    return {"at": 1.0, "level": level, "text": text, "request": request}


def texts(
    path: Path, limit: int = 100, before: int | None = None, **wanted: str
) -> tuple[list[str], str | None]:
    lines, following = tail(path, {"level": "debug", **wanted}, limit, before)
    return [each["text"] for each in lines], following


def test_lines_come_newest_first_and_page_by_page(tmp_path: Path) -> None:
    path = written(tmp_path / "log", *(line(f"模型 {number}") for number in range(10)))
    seen, before = [], None
    while True:
        page, following = texts(path, 4, before)
        seen += page
        if following is None:
            break
        before = int(following)

    assert seen == [f"模型 {number}" for number in reversed(range(10))]


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 16])
def test_lines_are_whole_however_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(logs, "BLOCK", block)
    content = [b"first", b"", b"x" * 100, "中文".encode(), b"last"]
    (tmp_path / "log").write_bytes(b"\n".join(content) + b"\n")
    found = [*backwards(tmp_path / "log", None)]
    whole = (tmp_path / "log").read_bytes()

    assert [each for _, each in found] == [each for each in reversed(content) if each]
    assert all(whole[at : at + len(each)] == each for at, each in found)


def test_level_request_and_words_choose(tmp_path: Path) -> None:
    lines = [
        line("Fine", "debug"),
        line("said", request="req_1"),
        line("odd", "warning"),
        line("bad", "error", "req_1"),
    ]
    path = written(tmp_path / "log", *lines)

    assert texts(path, level="warning")[0] == ["bad", "odd"]
    assert texts(path, request="req_1")[0] == ["bad", "said"]
    assert texts(path, search="FIN")[0] == ["Fine"]


def test_what_is_no_line_of_ours_is_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path / "log", "{broken", line("good"), "[]", "3", '{"text": "no time"}')

    assert texts(path)[0] == ["good"]


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    assert texts(tmp_path / "none") == ([], None)


def test_what_a_request_logged_is_found_by_its_id(owned: "Serving") -> None:
    path = owned.gateway.app.admin.logs
    assert path
    written(path, line("one", request="req_1"), line("other", request="req_2"))
    said = got(owned.port, "logs?request=req_2")

    assert [each["text"] for each in said["lines"]] == ["other"]
    assert said["file"] == str(path)
    assert own(owned.port, path="/admin/api/logs?level=loud").status == 400
