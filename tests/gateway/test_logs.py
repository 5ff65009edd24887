"""The log's files: a line is an object, private, with its request and without keys; a bad disk costs nothing."""

import asyncio
import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idetour.gateway import logs
from idetour.gateway.logs import FILE, debugging, limit
from idetour.gateway.news import News
from idetour.secret import Secret

log = logging.getLogger("idetour")
KEY = "canary-7d31f0aa92"


@pytest.fixture(autouse=True)
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "level", logging.DEBUG)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]  # what is enabled is cached


def kept(folder: Path | None, job: Callable[[], object]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What stands in the file, and what listeners heard, of what `job` logs."""
    heard: list[dict[str, Any]] = []

    async def run() -> None:
        news = News()
        end = logs.keep(folder, news, lambda: [Secret(KEY)])
        with news.listening() as listener:
            job()
            end()
            await asyncio.sleep(0)
            while item := await listener.next(0.05):
                heard.append(json.loads(item.data))

    asyncio.run(run())
    path = folder and folder / FILE
    lines = path.read_text("utf-8").splitlines() if path and path.is_file() else []
    return [json.loads(line) for line in lines], heard


def test_a_line_is_an_object_with_its_time_level_and_request(tmp_path: Path) -> None:
    def job() -> None:
        logs.request.set("req_1")
        log.info("%s → up/model", "gpt-4o")
        log.warning("cool", extra={"request": "req_2", "changed": (f"seed dropped {KEY}",)})

    lines, heard = kept(tmp_path, job)

    assert [(line["level"], line["text"], line["request"]) for line in lines] == [
        ("info", "gpt-4o → up/model", "req_1"),
        ("warning", "cool", "req_2"),
    ]
    assert [line.get("changed") for line in lines] == [None, ["seed dropped [key removed]"]]
    assert [{**line, "type": "log"} for line in lines] == heard


def test_no_key_and_no_forged_line_gets_in(tmp_path: Path) -> None:
    shaped = "sk-abcdefghijklmnopqrstuvwxyz0123"

    def job() -> None:
        log.info('401 for %s and %s\n{"forged": true}\x1b[31m', KEY, shaped)
        try:
            raise ValueError(f"bad {KEY}")
        except ValueError:
            log.exception("it failed")

    lines, heard = kept(tmp_path, job)

    assert len(lines) == 2
    assert "Traceback" in lines[1]["text"]
    assert not any(secret in json.dumps([lines, heard]) for secret in (KEY, shaped))


def test_files_are_their_owners_alone_and_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    monkeypatch.setenv("LOG_FILE_LIMIT", "3")
    folder = tmp_path / "logs"

    def job() -> None:
        for _ in range(100):
            log.info("x" * 150)

    kept(folder, job)
    files = [*folder.iterdir()]

    assert {path.name for path in files} == {FILE, f"{FILE}.1", f"{FILE}.2"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_size <= 2_000 for path in files)


def test_fine_lines_are_kept_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def job() -> None:
        log.debug("fine")

    assert kept(tmp_path / "a", job) == ([], [])
    monkeypatch.setenv("DEBUG_LOG", "true")
    lines, heard = kept(tmp_path / "b", job)
    assert ([line["text"] for line in lines], heard) == (["fine"], [])


def test_a_folder_that_cannot_be_made_costs_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    lines, heard = kept(tmp_path / "file" / "logs", lambda: log.info("still told"))

    assert "is not kept in" in caplog.text
    assert (lines, [each["text"] for each in heard]) == ([], ["still told"])


def test_a_disk_that_takes_no_more_is_not_told_of_line_by_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / FILE).symlink_to("/dev/full")
    kept(tmp_path, lambda: log.info("x"))

    assert "No space left" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("said", "expected"), [("3", 3), ("0", 1), ("9999", 100), ("many", 5), ("", 5), ("-1", 5)]
)
def test_how_many_files_are_kept(said: str, expected: int) -> None:
    assert limit({"LOG_FILE_LIMIT": said}) == expected


@pytest.mark.parametrize(("said", "expected"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_whether_fine_lines_are_kept(said: str, expected: bool) -> None:
    assert debugging({"DEBUG_LOG": said}) is expected


def test_a_traceback_holds_no_key_on_any_handler_the_terminals_too(tmp_path: Path) -> None:
    terminal = io.StringIO()
    handler = logging.StreamHandler(terminal)

    def job() -> None:
        try:
            raise ValueError(f"no header: {KEY}\x1b[2J")
        except ValueError:
            log.exception("a fault")

    log.addHandler(handler)
    try:
        lines, heard = kept(tmp_path, job)
    finally:
        log.removeHandler(handler)

    told = terminal.getvalue()
    assert told.startswith("a fault\nTraceback")
    assert "ValueError: no header: [key removed]\ufffd[2J\n" in told
    assert KEY not in f"{told}{lines}{heard}"


def test_a_key_where_a_line_is_cut_goes_as_a_whole(tmp_path: Path) -> None:
    lines, _ = kept(tmp_path, lambda: log.info("%s %s", "x" * (logs.LONGEST - len(KEY)), KEY))

    assert KEY[:6] not in lines[0]["text"]


def test_the_end_waits_for_no_more_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "BATCH_SECONDS", 600.0)

    def say() -> None:
        log.info("one")
        log.info("two")

    lines, _ = kept(tmp_path, say)

    assert [line["text"] for line in lines] == ["one", "two"]
