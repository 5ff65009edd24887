"""Which process is which: a pid alone comes round again, a pid with its time of birth does not."""

import os
import sys
from pathlib import Path

from idetour import system
from idetour.errors import SetupError


def birth(pid: int) -> str:
    """When a process began, as text to be compared only; empty where it does not run (any more)."""
    if sys.platform == "win32":
        return _birth_on_windows(pid)
    if sys.platform == "linux":
        return _birth_by_proc(pid)
    try:
        state, _, began = system.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)]).out.strip().partition(" ")
    except SetupError:
        return ""
    return "" if state.startswith("Z") else began.strip()


def _birth_by_proc(pid: int) -> str:
    """Ticks since boot, so with the boot's own name; a zombie has ended (proc(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else f"{boot} {int(fields[19])}"


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    QUERY_LIMITED_INFORMATION, STILL_ACTIVE = 0x1000, 259

    def _birth_on_windows(pid: int) -> str:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = wintypes.HANDLE(kernel.OpenProcess(QUERY_LIMITED_INFORMATION, False, pid))
        if not handle:
            return ""
        try:
            code, times = wintypes.DWORD(), [wintypes.FILETIME() for _ in range(4)]
            kernel.GetExitCodeProcess(handle, ctypes.byref(code))
            if code.value != STILL_ACTIVE or not kernel.GetProcessTimes(handle, *map(ctypes.byref, times)):
                return ""
            return str(times[0].dwHighDateTime << 32 | times[0].dwLowDateTime)
        finally:
            kernel.CloseHandle(handle)


def me() -> tuple[int, str]:
    return os.getpid(), birth(os.getpid())
