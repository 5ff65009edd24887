"""Give a system file new content and change nothing else about it: mode, owner, access lists, flags.

It is replaced in one step where that is possible, so that nobody ever reads half
of it. Where it is not (a file mounted by itself into a container, one that another
program keeps open on Windows), only the part that differs is written over.
"""

import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from idetour import disk, home, system
from idetour.errors import SetupError


def rewrite(path: Path, content: bytes) -> None:
    """The file holds `content` when this returns. Raises SetupError, the file then being as it was.

    Where our own rights are not enough, a single copy command is run with more (system.run).
    """
    path = path.resolve()
    try:
        with _without_read_only_flag(path):
            try:
                _replace(path, content)
            except OSError:
                _overwrite(path, content)
    except OSError as error:
        if isinstance(error, PermissionError) and not system.is_admin():
            return _copy_with_rights(path, content)
        raise SetupError(f"{path} cannot be changed: {_reason(path, error)}.") from error


def _replace(path: Path, content: bytes) -> None:
    """Raises OSError, and leaves nothing behind, where the folder or the system does not let us."""
    if path.exists() and path.stat().st_nlink > 1:
        raise OSError(errno.EMLINK, "the other names of the file would keep the old content")
    fresh = path.with_name(f".{path.name}.idetour")
    fresh.unlink(missing_ok=True)  # of one of us that was killed here
    try:
        disk.create(fresh, content)
        if path.exists():
            _take_after(path, fresh)
        _swap(fresh, path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    disk.sync(path.parent)


def _take_after(path: Path, fresh: Path) -> None:
    """Owner, mode and access lists of `path` (the last two by copystat, where the system has them)."""
    if sys.platform != "win32":
        os.chown(fresh, path.stat().st_uid, path.stat().st_gid)
        shutil.copystat(path, fresh)
        os.utime(fresh)  # caches look at the time


def _swap(fresh: Path, path: Path) -> None:
    if sys.platform == "win32" and path.exists():
        import ctypes

        # Unlike a rename, it keeps the access list and attributes of the file that is replaced.
        if not ctypes.windll.kernel32.ReplaceFileW(str(path), str(fresh), None, 0, None, None):
            raise ctypes.WinError()
    else:
        fresh.replace(path)


def _overwrite(path: Path, content: bytes) -> None:
    """In place, from the first byte that differs: adding at the end is one write, taking it away one truncation."""
    with path.open("r+b", buffering=0) as file:
        before = file.read()
        shorter = min(len(before), len(content))
        same = next((at for at in range(shorter) if before[at] != content[at]), shorter)
        try:
            file.seek(same)
            if file.write(content[same:]) != len(content) - same:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            file.truncate(len(content))
            os.fsync(file.fileno())
        except OSError:
            file.seek(same)
            file.write(before[same:])
            file.truncate(len(before))
            raise


@contextmanager
def _without_read_only_flag(path: Path) -> Iterator[None]:
    """Windows' read-only attribute is the missing write bit of the owner; it comes back in the end."""
    ours = sys.platform == "win32" or (path.exists() and path.stat().st_uid == os.geteuid())
    if os.access(path, os.W_OK) or not path.exists() or not ours:
        yield
        return
    mode = path.stat().st_mode
    path.chmod(mode | stat.S_IWRITE)
    try:
        yield
    finally:
        path.chmod(mode)


def _copy_with_rights(path: Path, content: bytes) -> None:
    """As another user than ourselves: the copy keeps the file, its mode and its owner."""
    fresh = home.folder("journal") / f"{path.name}.copy"
    fresh.unlink(missing_ok=True)
    disk.create(fresh, content)
    try:
        system.run(copy_command(fresh, path), elevate=True).check()
    except system.NeedsRights:
        raise  # the copy stays: the command that is shown names it
    if path.read_bytes() != content:
        raise SetupError(
            f"{path} was not changed, though the copy said nothing; a virus scanner may guard it."
        )
    fresh.unlink()


def copy_command(source: Path, target: Path) -> tuple[str, ...]:
    if sys.platform == "win32":
        quoted = [str(path).replace("'", "''") for path in (source, target)]
        script = "Copy-Item -Force -LiteralPath '{}' -Destination '{}'".format(*quoted)
        return ("powershell", "-NoProfile", "-NonInteractive", "-Command", script)
    return ("cp", "--", str(source), str(target))


def _reason(path: Path, error: OSError) -> str:
    if isinstance(error, PermissionError) and sys.platform != "win32":
        return f"it is locked even against root (look at: lsattr {path}; unlock: sudo chattr -i {path})"
    if isinstance(error, PermissionError):
        return "another program guards or uses it, often a virus scanner"
    return error.strerror or str(error)
