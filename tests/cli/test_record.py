"""`idetour record` as people use it: what it says, what it writes, how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from conftest import ADDONS
from endpoints.talk import chat
from idetour.cli.record import KEPT_DAYS, name, prune
from idetour.endpoints.admin import token
from idetour.gateway.recording import Recording
from idetour.home import folder
from upstream import Upstream, until

type Idetour = Callable[..., Result]
KEY = f"sk-{'a1' * 20}"


@pytest.fixture
def started(
    home: Path, serving: Callable[..., Any], profile_file: Callable[..., Path], upstream: Upstream
) -> Any:
    state = folder("state")
    text = f"upstreams: {{ up: {{ url: '{upstream.url}' }} }}\nmodels: {{ m: up/a, n: up/b }}"
    return serving(profile_file(text), state=state, admin=token(state))


class Command:
    """The command in a process of its own, and what it has said so far."""

    def __init__(self, port: int, said: Path, *options: str) -> None:
        self._said = said
        command = [sys.executable, "-u", "-m", "idetour", "record", "-p", str(port), *options]
        with said.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, env={**os.environ, "PYTHONPATH": str(ADDONS)}
            )
        assert until(lambda: "Ctrl-C ends it" in self.said() or self.process.poll() is not None, within=20)

    def said(self) -> str:
        return self._said.read_text("utf-8")

    def end(self, signum: int = signal.SIGINT) -> int:
        self.process.send_signal(signum)
        return self.process.wait(10)


@pytest.fixture
def recording(started: Any, tmp_path: Path) -> Any:
    """`recording("--max", "1")`."""
    made: list[Command] = []

    def start(*options: str) -> Command:
        made.append(Command(started.port, tmp_path / f"said-{len(made)}.txt", *options))
        return made[-1]

    yield start
    for each in made:
        each.process.kill()
        each.process.wait()


def files(home: Path) -> list[Path]:
    return sorted((home / "recordings").glob("*"))


def test_requests_become_files_that_nobody_else_can_read_until_ctrl_c(
    started: Any, recording: Any, home: Path
) -> None:
    old = folder("recordings") / "old.json"
    old.touch()
    os.utime(old, (0, 0))
    running = recording()
    chat(started.port, messages=[{"role": "user", "content": f"my key is {KEY}"}])
    assert until(lambda: files(home) and "m → up/a · ok · 1 key removed" in running.said())
    code = running.end()
    chat(started.port)
    (file,) = files(home)

    assert code == 0
    assert file != old
    assert f"Recording every request in {home / 'recordings'}" in running.said()
    assert "answered by" in running.said()
    assert f"idetour replay {home / 'recordings'}/*.json --to" in running.said()
    assert "Traceback" not in running.said()
    assert KEY not in file.read_text() + running.said()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert json.loads(file.read_text())["answer"]["text"] == "Hello, world"


def test_a_killed_command_ends_the_recording(started: Any, recording: Any) -> None:
    recording().end(signal.SIGKILL)

    assert until(lambda: not started.gateway.app.recorder._listeners)


def test_it_ends_by_itself_after_so_many_or_so_long(started: Any, recording: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "old.json").touch()
    os.utime(tmp_path / "mine" / "old.json", (0, 0))  # where it chose the folder itself, it would be removed
    many = recording("--max", "2", "--dir", str(tmp_path / "mine"))
    long = recording("--for", "1s", "--dir", str(tmp_path / "empty"))
    chat(started.port)
    chat(started.port)

    assert many.process.wait(10) == 0
    assert "Ended after 2 requests (--max)." in many.said()
    assert len([*(tmp_path / "mine").iterdir()]) == 3
    assert long.process.wait(10) == 0
    assert "Ended: the time is over (--for)." in long.said()


def test_only_one_model_is_recorded(started: Any, recording: Any, home: Path) -> None:
    running = recording("-m", "n", "--max", "1")
    chat(started.port)
    chat(started.port, model="n")
    running.process.wait(10)

    assert [json.loads(file.read_text())["body"]["model"] for file in files(home)] == ["n"]
    assert "Recording requests for n in" in running.said()


def test_it_ends_with_idetour_and_says_so(started: Any, recording: Any) -> None:
    running = recording()
    started.gateway.server._state.connections.copy().pop().transport.abort()

    assert running.process.wait(10) == 0
    assert "Ended: idetour has stopped." in running.said()
    assert "No request passed: nothing was kept." in running.said()


def test_the_whole_product_is_recorded_while_it_runs(
    running: Callable[..., Any], profile_file: Callable[..., Path], tmp_path: Path, home: Path
) -> None:
    """Through mitmproxy, whose connections are handed over."""
    product = running(profile_file("models: { m: demo/hello }"))
    command = Command(product.port, tmp_path / "said.txt", "--max", "1")
    chat(product.port)
    try:
        assert command.process.wait(10) == 0
    finally:
        command.process.kill()
    assert len(files(home)) == 1
    assert "requests are being recorded, until `idetour record` ends" in product.output()
    assert until(lambda: "requests are no longer recorded" in product.output())


def test_without_idetour_it_says_how_to_start_one(idetour: Idetour, free_port: int) -> None:
    result = idetour("record", "-p", free_port)

    assert result.exit_code == 1
    assert "Start it with `idetour run`" in result.stderr


@pytest.mark.parametrize("value", ["", "10", "0m", "-1s", "1w", "ten minutes", "1.5h"])
def test_a_duration_that_is_none_is_explained(idetour: Idetour, value: str) -> None:
    result = idetour("record", "--for", value)

    assert result.exit_code == 2
    assert "write 90s, 10m, 2h or 1d" in result.stderr


def test_old_recordings_and_too_large_ones_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idetour.cli.record.KEPT_BYTES", 25)
    now = time.time()
    for days, stem in ((0, "new"), (1, "newer"), (2, "too-much"), (KEPT_DAYS + 1, "old")):
        file = tmp_path / f"{stem}.json"
        file.write_bytes(b"0123456789")
        os.utime(file, (now - days * 86400,) * 2)
    (tmp_path / "notes.txt").write_text("mine")
    prune(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.json", "newer.json", "notes.txt"]


@pytest.mark.parametrize(
    ("asked", "stem"),
    [
        ("gpt-4o", "gpt-4o"),
        ("up/a:7b", "up-a-7b"),
        ("../../etc", "etc"),
        ("模型", "model"),
        ("x" * 99, "x" * 40),
    ],
)
def test_a_files_name_is_safe_whatever_was_asked_for(asked: str, stem: str) -> None:
    made = Recording(protocol="chat", body={"model": asked}, answer={"id": "req_1234"}, at=0.0)

    assert name(made).split("-", 2)[2] == f"{stem}-1234"
