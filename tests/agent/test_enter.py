"""What a command in namespaces can do, and what it cannot."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from idetour.agent.isolation import ENTER, possible
from idetour.errors import SetupError
from upstream import until


def refused() -> str:
    try:
        possible("namespace")
    except (SetupError, OSError) as error:
        return str(error)
    return ""


WHY = refused() if sys.platform == "linux" else "namespaces are Linux's"
NAMESPACES = pytest.mark.skipif(bool(WHY), reason=WHY or "-")
pytestmark = NAMESPACES


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    made = [tmp_path / name for name in ("work", "box", "hidden")]
    for path in made:
        path.mkdir()
    (made[2] / "key").write_text("secret")
    return [str(path) for path in made]


def inside(places: list[str], script: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", str(ENTER), *places, "0", "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_only_its_own_directories_can_be_written(places: list[str], tmp_path: Path) -> None:
    done = inside(places, f"touch {places[0]}/a {places[1]}/b; touch {tmp_path}/c; pwd; id -u")

    assert done.stdout.split() == [places[0], str(os.getuid())]
    assert "Read-only" in done.stderr
    assert sorted(path.name for path in tmp_path.rglob("?")) == ["a", "b"]


def test_what_is_hidden_is_empty_and_other_processes_are_not_there(places: list[str]) -> None:
    done = inside(places, f"ls -A {places[2]}; kill -0 {os.getpid()}; cat /proc/{os.getpid()}/environ")

    assert done.stdout == ""
    assert done.returncode != 0


def test_nothing_of_it_can_be_undone_from_inside(places: list[str], tmp_path: Path) -> None:
    attempts = [
        "mount -o remount,bind,rw /",
        f"umount {places[2]}",
        f"unshare -Urm sh -c 'mount -o remount,bind,rw /; umount {places[2]}'",
        f"nsenter -t 1 -m umount {places[2]}",
    ]
    done = inside(places, f"{'; '.join(attempts)}; touch {tmp_path}/c; cat {places[2]}/key")

    assert "secret" not in done.stdout
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("true", 0)])
def test_it_ends_as_its_command_does(places: list[str], script: str, code: int) -> None:
    assert inside(places, script).returncode == code


def test_a_signal_reaches_the_command_and_its_children_end_with_it(places: list[str]) -> None:
    script = f"trap 'touch {places[0]}/told; exit' TERM; (setsid sleep 987 &); touch {places[0]}/up; while :; do sleep 0.02; done"
    with subprocess.Popen([sys.executable, "-I", str(ENTER), *places, "0", "sh", "-c", script]) as process:
        assert until((Path(places[0]) / "up").exists, within=15)
        process.send_signal(signal.SIGTERM)

    assert (Path(places[0]) / "told").exists()
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x00987" in path.read_bytes()]


def test_who_is_killed_takes_all_along(places: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-I", str(ENTER), *places, "0", "sh", "-c", f"touch {places[0]}/up; sleep 986"]
    ) as process:
        assert until((Path(places[0]) / "up").exists, within=15)
        process.kill()

    assert until(
        lambda: (
            not [
                path for path in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x00986" in path.read_bytes()
            ]
        ),
        within=5,
    )
