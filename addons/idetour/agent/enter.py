"""Shuts a command into namespaces of its own: `python enter.py WORK BOX HIDDEN MOST COMMAND…`. Linux, as any user.

It sees all files, may write below WORK and BOX only, finds HIDDEN empty, and
sees no process but its own, of which there are MOST at a time (0: no limit; the
kernel holds nobody to it who is root outside). Everything that it starts ends
with it. It has no capability with which to undo that: a further user namespace
would inherit the mounts locked (user_namespaces(7), mount_namespaces(7)).
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18  # sys/mount.h
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1  # linux/mount.h; Linux 5.12
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38  # linux/prctl.h
CAPABILITIES = 64  # more than there are
LIBC = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> None:
    """Raises OSError."""
    if result == -1:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source: str, target: str, kind: str | None, flags: int) -> None:
    words = (source.encode(), target.encode(), kind.encode() if kind else None)
    checked(LIBC.mount(*words, ctypes.c_ulong(flags), None), f"mount {target}")


def writable(path: str, yes: bool, *, below: bool = False) -> None:
    """Change the mount at `path`, or all below it as well."""
    attributes = (ctypes.c_uint64 * 4)(0 if yes else MOUNT_ATTR_RDONLY, MOUNT_ATTR_RDONLY if yes else 0, 0, 0)
    flags = AT_RECURSIVE if below else 0
    words = (AT_FDCWD, path.encode(), flags, ctypes.byref(attributes), ctypes.sizeof(attributes))
    checked(LIBC.syscall(MOUNT_SETATTR, *words), f"mount_setattr {path}")


def own_user() -> None:
    """We are the same user as outside, and nobody else exists."""
    ids = os.getuid(), os.getgid()
    os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS | os.CLONE_NEWPID)
    Path("/proc/self/setgroups").write_text("deny")
    for name, id in zip(("uid_map", "gid_map"), ids, strict=True):
        Path(f"/proc/self/{name}").write_text(f"{id} {id} 1")


def shut_in(work: str, box: str, hidden: str) -> None:
    """In the new namespaces. The order matters: what is read-only or hidden has no new mounts in it."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    for path in (work, box):
        mount(path, path, None, MS_BIND | MS_REC)
    if Path(hidden).is_dir() and not any(Path(path).is_relative_to(hidden) for path in (work, box)):
        mount("tmpfs", hidden, "tmpfs", MS_NOSUID | MS_NODEV)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV)
    writable("/", False, below=True)
    for path in (work, box):
        writable(path, True)
    os.chdir(work)  # by the new mount, not by the one below it


def powerless() -> None:
    """From the next exec on there is no capability, and no program that gives one."""
    for number in range(CAPABILITIES):
        LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    checked(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def few(most: int) -> None:
    """In a user namespace only its own processes count (user_namespaces(7), Linux 5.14), if it is set in there."""
    if most:
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def first(work: str, box: str, hidden: str, most: str, *command: str) -> int:
    """Process 1 in there: when it ends, so do all others. Returns the exit code of the command."""
    shut_in(work, box, hidden)
    child = os.fork()
    if child == 0:
        powerless()
        few(int(most))
        os.execvp(command[0], command)
    passing_on(child)
    while True:
        ended, status = os.wait()
        if ended == child:
            return code(status)


def passing_on(child: int) -> None:
    """Process 1 gets no signal that it does not handle."""
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))


def code(status: int) -> int:
    ended = os.waitstatus_to_exitcode(status)
    return ended if ended >= 0 else 128 - ended


def main(*words: str) -> int:
    try:
        own_user()
        child = os.fork()
        if child == 0:
            with_parent()
            os._exit(first(*words))
    except OSError as error:
        print(f"Isolation `namespace` is not possible here: {error}", file=sys.stderr)  # noqa: T201 - its console
        os._exit(126)
    passing_on(child)
    return code(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
