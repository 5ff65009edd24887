"""What the kernel holds a process to, and that it cannot undo it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.test_enter import NAMESPACES
from idetour.agent import limits
from idetour.agent.isolation import ENTER, account
from idetour.agent.limits import Limits, around

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="some of its limits are Linux's")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, so needs root")
FORKS = """
import os, signal, sys, time
made, why = [], "all"
try:
    while len(made) < 300:
        made.append(os.fork())
        if not made[-1]: time.sleep(30); os._exit(0)
except OSError as error:
    why = error
for pid in made: os.kill(pid, signal.SIGKILL)
sys.exit(f"{len(made)} {why}")
"""
# Root becomes nobody, but for the right to say what it is in a namespace: see prctl(2), PR_SET_DUMPABLE.
AS_NOBODY = """
import ctypes, importlib.util, os, sys
made = importlib.util.spec_from_file_location("enter", sys.argv[1])
enter = importlib.util.module_from_spec(made)
made.loader.exec_module(enter)
os.setgroups([]), os.setgid(int(sys.argv[3])), os.setuid(int(sys.argv[2]))
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
sys.exit(enter.main(*sys.argv[4:]))
"""


def held(code: str, who: Mapping[str, Any] = {}, **asked: int) -> tuple[int, str]:
    """The exit code of a Python that runs `code` under limits, and what it said."""
    python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
    command = around([python, "-I", "-c", code], Limits(**asked), who)
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=20, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_file_grows_to_its_limit_and_no_further(tmp_path: Path) -> None:
    path = tmp_path / "big"
    code, said = held(f"open({str(path)!r}, 'wb').write(bytes(10 << 20))", file=1 << 20)

    assert (code, path.stat().st_size) == (1, 1 << 20)
    assert "File too large" in said


def test_memory_that_is_used_counts_and_memory_that_is_reserved_does_not() -> None:
    """Runtimes with a heap of their own reserve it whole, and use little of it."""
    reserve = "import mmap as m; all = m.mmap(-1, 1 << 36, m.MAP_PRIVATE | m.MAP_ANONYMOUS, m.PROT_READ); print('reserved')"

    assert held(reserve, memory=256 << 20) == (0, "reserved\n")
    code, said = held("bytearray(400 << 20)", memory=256 << 20)
    assert (code, said.splitlines()[-1]) == (1, "MemoryError")


def test_who_takes_too_long_of_the_processor_is_ended() -> None:
    assert held("while True: pass", cpu=1)[0] == -24


def test_the_agent_stands_behind_other_programs() -> None:
    code = "import os; print(os.nice(0), open('/proc/self/oom_score_adj').read().strip())"

    assert held(code, nice=3)[1] == f"{os.nice(0) + 3} {limits.SOONER}\n"


def test_what_was_started_leaves_no_core_and_cannot_free_itself() -> None:
    code = "import resource as r; print(r.getrlimit(r.RLIMIT_CORE), r.getrlimit(r.RLIMIT_FSIZE))"

    assert held(code, file=1 << 20)[1] == "(0, 0) (1048576, 1048576)\n"


@AS_ROOT
def test_the_kernel_counts_the_processes_of_another_user() -> None:
    uid, gid = account("nobody")
    who = {"user": uid, "group": gid}
    code, said = held(FORKS, who, processes=50)

    assert held("import os; print(os.getresuid(), os.getgroups())", who)[1] == f"{(uid,) * 3} []\n"
    assert code == 1
    assert "Resource temporarily unavailable" in said
    assert 0 < int(said.split()[0]) <= 50


@NAMESPACES
@AS_ROOT
def test_the_kernel_counts_the_processes_in_a_namespace_of_who_is_not_root(tmp_path: Path) -> None:
    """Whatever else that user runs."""
    uid, gid = account("nobody")
    for path in (tmp_path, *tmp_path.parents[:2]):  # pytest closes its folders to others
        path.chmod(0o711)
    places = [tmp_path / name for name in ("work", "box", "hidden")]
    for path in places:
        path.mkdir()
        os.chown(path, uid, gid)
    words = [str(ENTER), str(uid), str(gid), *map(str, places), "40", "/usr/bin/python3", "-c", FORKS]
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *words], capture_output=True, text=True, timeout=20, check=False
    )

    assert done.returncode == 1
    assert "Resource temporarily unavailable" in done.stderr
    assert 30 < int(done.stderr.split()[0]) <= 40


def test_who_is_held_to_less_already_stays_so() -> None:
    code = "import resource as r; print(r.getrlimit(r.RLIMIT_FSIZE))"
    inner = around([sys.executable, "-c", code], Limits(file=4 << 20), {})
    done = subprocess.run(around(inner, Limits(file=1 << 20), {}), capture_output=True, text=True, check=True)

    assert done.stdout == "(1048576, 1048576)\n"


def test_a_soft_limit_that_is_tighter_stays_and_may_still_be_raised() -> None:
    code = "import resource as r; print(r.getrlimit(r.RLIMIT_FSIZE))"
    bound = around([sys.executable, "-c", code], Limits(file=4 << 20), {})
    before = "import os, resource as r, sys; r.setrlimit(r.RLIMIT_FSIZE, (1 << 20, -1)); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", before, *bound], capture_output=True, text=True, check=True)

    assert done.stdout == f"({1 << 20}, {4 << 20})\n"


def test_a_command_that_is_not_there_is_named() -> None:
    done = subprocess.run(around(["/no/agent"], Limits(), {}), capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (126, "/no/agent cannot be started: No such file or directory\n")
