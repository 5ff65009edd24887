"""The agent's process: its two pipes are read to the end, whatever comes through them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from idetour.agent import child

ADDONS = Path(child.__file__).parents[2]
SCRIPT = """
import json, os, sys, time
sys.path.insert(0, {addons!r})
from contextlib import closing
from pathlib import Path
from idetour.agent.child import Child, Signals
with closing(Signals()) as signals:
    made = Child([sys.executable, "-c", {code!r}], environment=dict(os.environ), folder=Path("/"), log=Path({log!r}),
        signals=signals)
    with closing(made):
        said = []
        while made.code is None and not signals.asked_to_stop:
            said += made.look(5)
        said += made.drain()
        print(json.dumps([made.code, said, made.written, signals.asked_to_stop, signals.at_once]))
        made.process.kill(); made.process.wait()
"""
EMIT = "import os; f = int(os.environ['IDETOUR_EVENTS']); os.write(f, {data!r}); "


def script(code: str, log: Path) -> list[str]:
    return [sys.executable, "-c", SCRIPT.format(addons=str(ADDONS), code=code, log=str(log))]


def test_without_a_log_nothing_is_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    done = subprocess.run(
        script(f"open({str(started)!r}, 'w')", tmp_path / "gone" / "log"),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    time.sleep(0.5)  # the time that it would take

    assert "FileNotFoundError" in done.stderr
    assert not started.exists()


def followed(code: str, log: Path) -> list[object]:
    """What became of a child that runs `code`; in a process of its own, as signals are handled there."""
    import json

    done = subprocess.run(script(code, log), capture_output=True, text=True, timeout=20, check=True)
    found: list[object] = json.loads(done.stdout)
    return found


def test_events_and_console_are_kept_apart(tmp_path: Path) -> None:
    data = b'{"type": "a", "x": 1}\n{"type": "b"}\n'
    code, said, *_ = followed(EMIT.format(data=data) + "print('hello'); exit(3)", tmp_path / "log")

    assert (code, said) == (3, [["a", {"x": 1}], ["b", {}]])
    assert (tmp_path / "log").read_text() == "hello\n"
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_what_is_no_event_is_passed_over(tmp_path: Path) -> None:
    data = b'garbage\n[]\n{}\n\n\xff\n{"type": "good"}\n{"type": "cut'
    _, said, *_ = followed(EMIT.format(data=data), tmp_path / "log")

    assert said == [["good", {}]]


def test_a_long_event_comes_whole(tmp_path: Path) -> None:
    code = (
        "import json, os; f = os.fdopen(int(os.environ['IDETOUR_EVENTS']), 'w');"
        "f.write(json.dumps({'type': 'a', 'x': 'é' * 1000000}) + chr(10))"
    )
    _, said, written, *_ = followed(code, tmp_path / "log")

    assert isinstance(said, list)
    assert said[0][1]["x"] == "é" * 1_000_000
    assert written == 6_000_000 + len('{"type": "a", "x": ""}\n')


def test_a_signal_wakes_who_waits(tmp_path: Path) -> None:
    for number, at_once in ((signal.SIGTERM, False), (signal.SIGINT, True)):
        ready = tmp_path / f"ready-{number}"
        code = f"import pathlib, time; pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
        with subprocess.Popen(script(code, tmp_path / "log"), stdout=subprocess.PIPE, text=True) as process:
            while not ready.exists():
                os.sched_yield()
            process.send_signal(number)
            said, _ = process.communicate(timeout=4)  # less than one look
        assert said.endswith(f"true, {str(at_once).lower()}]\n")
