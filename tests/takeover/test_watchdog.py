"""The watchdog, with a parent that is killed."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from idetour.errors import SetupError
from idetour.takeover import hosts, journal, process, watchdog
from upstream import until

LINES = b"127.0.0.1 localhost\n"
PARENT = """
import sys, time
from pathlib import Path
from idetour.takeover import hosts, watchdog
dog = watchdog.start()
dog.ready()
if sys.argv[2] == "on":
    hosts.on(["api.openai.com"], held=True, path=Path(sys.argv[1]))
print(dog.child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("when", ["on", "before anything"])
def test_a_killed_parents_changes_are_put_back_and_the_watchdog_ends(
    home: Path, tmp_path: Path, when: str
) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(LINES)
    env = {**os.environ, "PYTHONPATH": str(watchdog.SOURCE)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path), when], stdout=subprocess.PIPE, env=env
    )
    assert parent.stdout
    dog = int(parent.stdout.readline())
    assert hosts.taken(path.read_bytes()) == (("api.openai.com",) if when == "on" else ())
    if os.name == "posix":
        os.kill(dog, signal.SIGINT)
    parent.kill()
    parent.communicate()

    until(lambda: not process.birth(dog))
    assert path.read_bytes() == LINES
    assert journal.entries() == []


@pytest.mark.skipif(not shutil.which("false"), reason="needs a program that ends at once")
def test_where_it_cannot_start_nothing_may_be_changed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    dog = watchdog.start()

    with pytest.raises(SetupError, match="Nothing was changed"):
        dog.ready()
    dog.release()


def test_a_released_watchdog_ends_at_once_and_leaves_what_others_hold(home: Path, tmp_path: Path) -> None:
    journal.note("hosts", {"path": str(tmp_path / "hosts"), "hosts": [], "existed": True})
    dog = watchdog.start()
    dog.release()

    assert dog.child.returncode == 0
    assert len(journal.entries()) == 1
