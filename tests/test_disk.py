import contextlib
import os
import select
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from idetour import disk

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")


@posix
def test_a_file_is_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = disk.create(tmp_path / "key", b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"secret"


def test_a_file_that_is_there_is_never_written_to(tmp_path: Path) -> None:
    path = disk.create(tmp_path / "key", b"old")
    with pytest.raises(FileExistsError):
        disk.create(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_stamp_changes_with_the_file_and_when_another_takes_its_place(tmp_path: Path) -> None:
    file, other = tmp_path / "file", tmp_path / "other"
    stamps = [disk.stamp(file)]
    for content in (b"a", b"ab"):
        file.write_bytes(content)
        stamps.append(disk.stamp(file))
    other.write_bytes(b"xy")
    status = file.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(file)
    stamps.append(disk.stamp(file))

    assert stamps[0] is None
    assert len(set(stamps)) == 4
    assert stamps[-1] == disk.stamp(file)


@posix
def test_a_path_that_lets_others_in_is_named_with_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "closed").touch(0o600)
    path = tmp_path / "open"
    path.touch()
    path.chmod(0o640)
    assert list(disk.too_open(tmp_path)) == [(path, 0o640)]


LOCKING = """
import sys, time
from pathlib import Path
from idetour import disk
print("trying", flush=True)
with disk.locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@posix
def test_a_lock_keeps_another_process_out_until_its_holder_is_killed(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(locking(tmp_path))
        assert [said(holder), said(holder)] == [b"trying\n", b"held\n"]
        waiter = stack.enter_context(locking(tmp_path))
        assert said(waiter) == b"trying\n"
        assert select.select([output(waiter)], [], [], 0.2)[0] == []
        holder.kill()
        assert said(waiter) == b"held\n"


@contextlib.contextmanager
def locking(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    settings = {**os.environ, "PYTHONPATH": str(Path(disk.__file__).parents[1])}
    command = [sys.executable, "-c", LOCKING, str(folder)]
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[bytes]) -> bytes:
    return output(process).readline()


def output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def test_who_comes_while_another_makes_the_database_waits_for_it(tmp_path: Path) -> None:
    first = sqlite3.connect(tmp_path / "d", isolation_level=None, check_same_thread=False)
    second = sqlite3.connect(tmp_path / "d", timeout=5)
    with contextlib.closing(first), contextlib.closing(second):
        first.execute("BEGIN IMMEDIATE")
        first.execute("CREATE TABLE t(x)")
        threading.Timer(0.1, first.execute, ["COMMIT"]).start()
        disk.write_ahead(second, seconds=5)

        assert second.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_but_not_for_ever(tmp_path: Path) -> None:
    first, second = (sqlite3.connect(tmp_path / "d", isolation_level=None, timeout=0) for _ in range(2))
    with contextlib.closing(first), contextlib.closing(second):
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            disk.write_ahead(second, seconds=0.05)
