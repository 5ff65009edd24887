"""A takeover that lasts as long as its process, and no longer."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from idetour.errors import IdetourError, SetupError
from idetour.takeover import hosts, journal
from idetour.takeover.hold import holding, put_back_abandoned

LINES = b"127.0.0.1 localhost\n"
SOURCE = str(Path(hosts.__file__).parents[2])


@pytest.fixture
def file(home: Path, tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_bytes(LINES)
    return path


def test_nothing_is_changed_before_we_can_answer_and_all_is_put_back_on_leaving(file: Path) -> None:
    ready, done = threading.Event(), threading.Event()

    def begin() -> None:
        hosts.on(["api.openai.com"], held=True, path=file)
        done.set()

    with holding(begin, ready.is_set):
        assert not done.wait(0.2)
        assert file.read_bytes() == LINES
        ready.set()
        assert done.wait(5)
        assert hosts.taken(file.read_bytes()) == ("api.openai.com",)
    assert file.read_bytes() == LINES
    assert journal.entries() == []


def test_who_never_got_ready_changes_nothing(file: Path) -> None:
    with holding(lambda: pytest.fail("it began"), lambda: False):
        pass


def test_an_exception_inside_puts_back_as_well(file: Path) -> None:
    done = threading.Event()

    def begin() -> None:
        hosts.on(["a.example"], held=True, path=file)
        done.set()

    def interrupted() -> None:
        with holding(begin, lambda: True):
            assert done.wait(5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert file.read_bytes() == LINES


def test_a_failure_to_begin_stops_the_process_as_ctrl_c_does_and_is_raised(file: Path) -> None:
    stopped = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stopped.set())
    try:
        with pytest.raises(SetupError, match="no rights"), holding(fails, lambda: True):
            assert stopped.wait(5)
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_cannot_be_put_back_is_raised_with_the_remedy(file: Path) -> None:
    done = threading.Event()

    def begin() -> None:
        journal.note("hosts", {"path": str(file.parent), "hosts": ["a.example"], "existed": True}, held=True)
        done.set()

    def left() -> None:
        with holding(begin, lambda: True):
            assert done.wait(5)

    with pytest.raises(IdetourError, match=r"cannot be read: Is a directory\. Then: idetour undo"):
        left()


def fails() -> None:
    raise SetupError("no rights")


def test_a_start_puts_back_what_the_dead_held_and_nothing_else(file: Path) -> None:
    code = "import sys; from pathlib import Path; from idetour.takeover import hosts\nhosts.on([sys.argv[1]], held=sys.argv[2] == 'held', path=Path(sys.argv[3]))"
    for host, how in [("dead.example", "held"), ("hand.example", "by hand")]:
        command = [sys.executable, "-c", code, host, how, str(file)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": SOURCE})
    hosts.on(["alive.example"], held=True, path=file)

    report = put_back_abandoned()
    assert [entry.data["hosts"] for entry in report.undone] == [["dead.example"]]
    assert hosts.taken(file.read_bytes()) == ("hand.example", "alive.example")
