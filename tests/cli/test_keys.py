"""A key on its way from the terminal to where it is kept."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from conftest import ADDONS

type Idetour = Callable[..., Result]

KEY = "nvapi-canary-0123456789-wxyz"


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        (KEY, ["openai"], "This key is not for OpenAI: a key that begins with nvapi- is one of NVIDIA's"),
        ("", ["nim"], "No key came"),
        ("two words", ["nim"], "without blanks"),
        (KEY, ["nmi"], "did you mean 'nim'"),
        (KEY, ["demo"], "No upstream that takes keys is called 'demo'"),
        (KEY, ["nim", "--name", "../x"], "cannot be a name"),
        (KEY, ["nim", "--name", ""], ""),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    piped: Idetour, home: Path, text: str, words: list[str], said: str
) -> None:
    result = piped(text, "accounts", "add", *words)
    assert said in result.stderr
    assert (home / "state" / "accounts.json").exists() == (result.exit_code == 0) == (not said)
    assert "canary" not in result.output


def test_a_key_is_no_argument(idetour: Idetour) -> None:
    assert idetour("accounts", "add", "nim", KEY).exit_code == 2


def test_in_a_terminal_the_key_is_asked_for_and_not_echoed(home: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "idetour", "accounts", "add", "nim"]
    environment = {**os.environ, "PYTHONPATH": str(ADDONS)}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as child:
        os.close(theirs)
        said = b""
        while b"not shown" not in said:
            said += os.read(ours, 1024)
        os.write(ours, f"{KEY}\n".encode())
        try:
            while data := os.read(ours, 1024):
                said += data
        except OSError:  # Linux says so when the other side has ended
            pass
        assert child.wait(20) == 0
    os.close(ours)
    assert b"canary" not in said
    assert json.loads((home / "state" / "accounts.json").read_bytes())["accounts"][0]["key"] == KEY
