"""New content in a system file, killed at every step; the same file otherwise."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.errors import SetupError
from idetour.takeover import hosts, journal
from idetour.takeover.hold import put_back_abandoned
from idetour.takeover.rewrite import copy_command, rewrite

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners")
root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root")
LINES = b"127.0.0.1 localhost\n10.0.0.1 nas"
STEPS = (
    "open",
    "os.rename",
    "os.remove",
    "os.chown",
    "os.chmod",
    "os.utime",
    "os.setxattr",
    "os.truncate",
    "os.link",
)
# Dies of `kill -9` before its n-th step; ends by itself when there are fewer.
DYING = f"""
import os, signal, sys
from pathlib import Path
from idetour.takeover import UNDO, hosts, journal
path, what, left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def hook(event, args):
    global left
    if event in {STEPS} and (event != "open" or args[2] & (os.O_WRONLY | os.O_RDWR)):
        left -= 1
        left or os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
if what == "on":
    hosts.on(["api.openai.com"], held=True, path=path)
else:
    journal.undo(UNDO)
"""


def dies(path: Path, what: str, step: int) -> bool:
    source = str(Path(hosts.__file__).parents[2])
    command = [sys.executable, "-c", DYING, str(path), what, str(step)]
    code = subprocess.run(command, env={**os.environ, "PYTHONPATH": source, "PATH": "/nowhere"}).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


def alone(path: Path) -> None:
    """A file that can be replaced."""


def twice(path: Path) -> None:
    """A file with two names has to be written over in place, as one mounted by itself."""
    path.with_name("other").hardlink_to(path)


@posix
@pytest.mark.parametrize("kind", [alone, twice])
def test_killed_at_any_step_the_next_start_gives_back_every_byte(
    home: Path, tmp_path: Path, kind: Callable[[Path], None]
) -> None:
    path = tmp_path / "etc" / "hosts"
    path.parent.mkdir()
    path.write_bytes(LINES)
    kind(path)
    names = sorted(each.name for each in path.parent.iterdir())

    step = 1
    while dies(path, "on", step):
        put_back_abandoned()
        assert path.read_bytes() == LINES, f"killed before step {step}"
        assert sorted(each.name for each in path.parent.iterdir()) == names
        step += 1
    assert step > 5
    assert hosts.taken(path.read_bytes()) == ("api.openai.com",)
    assert put_back_abandoned().left == ()
    assert path.read_bytes() == LINES


@posix
@pytest.mark.parametrize("kind", [alone, twice])
def test_an_undo_that_is_killed_is_finished_by_the_next(
    home: Path, tmp_path: Path, kind: Callable[[Path], None]
) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(LINES)
    kind(path)

    step, dead = 1, True
    while dead:
        hosts.on(["api.openai.com"], path=path)
        dead = dies(path, "undo", step)
        journal.undo({"hosts": hosts.undo})
        assert path.read_bytes() == LINES, f"killed before step {step}"
        assert not list(tmp_path.glob(".hosts*"))
        step += 1
    assert step > 5


@posix
def test_mode_and_owner_stay_and_a_link_stays_a_link(home: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "hosts"
    real.write_bytes(b"old")
    real.chmod(0o664)
    if os.geteuid() == 0:
        os.chown(real, 12, 34)
    before = real.stat()
    link.symlink_to(real)
    rewrite(link, b"new")

    after = real.stat()
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino  # replaced, not written over


@posix
def test_what_a_killed_one_left_is_in_nobodys_way(tmp_path: Path) -> None:
    path, left = tmp_path / "hosts", tmp_path / ".hosts.idetour"
    path.write_bytes(b"old")
    left.write_bytes(b"half")
    before = path.stat().st_ino
    rewrite(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_ino != before
    assert not left.exists()


@posix
def test_a_file_with_two_names_keeps_both(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(b"1234567890")
    twice(path)
    for content in (b"1234567890abc", b"12345", b"", b"xyz"):
        rewrite(path, content)
        assert path.with_name("other").read_bytes() == content


@posix
def test_a_read_only_file_is_read_only_again(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(b"old")
    path.chmod(0o444)
    rewrite(path, b"new")

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


@root
def test_a_file_that_is_locked_even_against_root_says_how_to_unlock_it(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(b"old")
    if subprocess.run(["chattr", "+i", path], capture_output=True).returncode:
        pytest.skip("this file system has no such flag")
    try:
        with pytest.raises(SetupError, match=f"locked even against root .*chattr -i {path}"):
            rewrite(path, b"new")
        assert path.read_bytes() == b"old"
        assert [each.name for each in tmp_path.iterdir()] == ["hosts"]
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


def test_the_command_for_which_rights_are_asked_is_one_copy() -> None:
    if os.name == "posix":
        assert copy_command(Path("/a b"), Path("/etc/hosts")) == ("cp", "--", "/a b", "/etc/hosts")
