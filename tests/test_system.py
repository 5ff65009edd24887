"""The operating system's tools, run for real: output in any code page, rights for one command, no waiting."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from idetour import system
from idetour.errors import SetupError

AS_ROOT = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() != 0, reason="becomes another user, so needs root"
)
NOBODY = 65534


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def as_nobody(code: str, path: str) -> system.Result:
    """Run Python code as a user without rights, without a terminal, with another search path."""
    become = f"import os; os.setgid({NOBODY}); os.setuid({NOBODY}); os.environ['PATH'] = {path!r}\n"
    lead = f"import sys; sys.path.insert(0, {str(Path(system.__file__).parents[1])!r})\nfrom idetour import system\n"
    return system.run(python(lead + become + code))


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("证书已添加。\r\n".encode(), "证书已添加。\n"),
        ("证书已添加。\r\n".encode("gbk"), "证书已添加。\n"),
        ("证书".encode("utf-16"), "证书"),
        ("ok\r\n".encode("utf-16-le"), "ok\n"),
        (b"\xef\xbb\xbfok", "ok"),
        (b"caf\xff", "caf\ufffd"),
        (b"", ""),
    ],
)
def test_output_in_any_code_page_is_read(output: bytes, text: str) -> None:
    assert system.decoded(output) == text


def test_a_command_is_run_without_a_shell_and_its_words_stay_apart() -> None:
    result = system.run([*python("import sys; print(sys.argv[1:])"), "$HOME; echo", "*"])

    assert result.out == "['$HOME; echo', '*']\n"
    assert result.ok


def test_nothing_waits_for_input() -> None:
    assert system.run(python("import sys; print(repr(sys.stdin.read()))")).out == "''\n"


def test_what_a_tool_says_is_not_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.GBK")

    assert system.run(python("import os; print(os.environ['LC_ALL'])")).out == "C.UTF-8\n"


def test_input_is_handed_over() -> None:
    assert system.run(python("print(input())"), input=b"yes\n").out == "yes\n"


def test_a_failure_is_said_in_the_tools_own_last_words() -> None:
    result = system.run(python("import sys; sys.exit('first\\nno such store')"))

    assert result.code == 1
    with pytest.raises(SetupError, match=r"failed: no such store$"):
        result.check()


def test_a_silent_failure_names_its_code() -> None:
    with pytest.raises(SetupError, match=r"failed: exit code 7$"):
        system.run(python("raise SystemExit(7)")).check()


def test_a_program_that_is_absent_is_named() -> None:
    with pytest.raises(SetupError, match="no-such-tool is not on this machine"):
        system.run(["no-such-tool", "--now"])


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(SetupError, match="did not end within 0 s"):
        system.run(python("import time; time.sleep(60)"), timeout=0.3)


@AS_ROOT
def test_root_runs_the_command_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert system.run(python("print(1)"), elevate=True).out == "1\n"
    assert capsys.readouterr().err == ""


@AS_ROOT
def test_without_sudo_and_a_terminal_the_command_is_handed_back() -> None:
    code = """
try: system.run(["/bin/ls", "a b"], elevate=True)
except system.NeedsRights as error: print(error.command, error, sep="\\n")
"""
    assert as_nobody(code, "/nowhere").out.splitlines() == [
        "sudo /bin/ls 'a b'",
        "This needs administrator rights. Run it yourself: sudo /bin/ls 'a b'",
    ]


@AS_ROOT
def test_without_a_terminal_sudo_may_not_ask() -> None:
    """A stand-in for sudo, as it behaves where a password is needed and `-n` forbids to ask."""
    code = """
try: system.run(["/bin/ls"], elevate=True)
except system.NeedsRights as error: print(error.command)
"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        sudo = Path(folder, "sudo")
        sudo.write_text('#!/bin/sh\n[ "$1" = -n ] && echo "sudo: a password is required" >&2\nexit 1\n')
        sudo.chmod(0o755)
        result = as_nobody(code, f"{folder}:/bin:/usr/bin")

    assert result.out == "sudo /bin/ls\n"
    assert result.err == "With administrator rights: /bin/ls\n"  # shown before it is run


def test_windows_asks_by_its_own_prompt_and_quotes_what_is_inside() -> None:
    command = system.by_prompt(["certutil", "-addstore", "Root", r"C:\Users\O'Neill\root ca.pem"])

    assert command == (
        *("powershell", "-NoProfile", "-NonInteractive", "-Command"),
        "exit (Start-Process -FilePath 'certutil' -ArgumentList "
        "'-addstore Root \"C:\\Users\\O''Neill\\root ca.pem\"' "
        "-Verb RunAs -WindowStyle Hidden -Wait -PassThru).ExitCode",
    )
