import os
import subprocess
import sys

from idetour.takeover import process


def test_a_process_keeps_its_birth_and_two_differ() -> None:
    pid, born = process.me()

    assert pid == os.getpid()
    assert process.birth(pid) == born != ""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as younger:
        assert process.birth(younger.pid) not in ("", born)
        younger.communicate()


def test_a_process_that_has_ended_has_none_even_before_its_parent_looks() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process.birth(child.pid) != ""

    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    assert process.birth(child.pid) == ""
    child.communicate()
    assert process.birth(child.pid) == ""
