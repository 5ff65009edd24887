"""The file that Qwen Code writes, and reads after us."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import ADDONS
from idetour.accounts.qwen import tokens
from idetour.accounts.qwen.tokens import Tokens
from idetour.secret import Secret

# As Qwen Code 0.24 writes it.
FILE = {
    "access_token": "at-1",
    "refresh_token": "rt-1",
    "token_type": "Bearer",
    "resource_url": "portal.qwen.ai",
    "expiry_date": 1790021600000,
}
MADE = Tokens(
    access=Secret("at-1"), refresh=Secret("rt-1"), expires=1790021600.0, resource_url="portal.qwen.ai"
)


def test_a_file_is_read_in_seconds_and_written_in_milliseconds(tmp_path: Path) -> None:
    assert tokens.parse(json.dumps(FILE).encode()) == MADE
    tokens.write(tmp_path / "oauth_creds.json", MADE)
    assert (tmp_path / "oauth_creds.json").read_text() == json.dumps(FILE, indent=2)


def test_what_we_do_not_know_stays(tmp_path: Path) -> None:
    more = {**FILE, "id_token": "x", "scope": "openid", "tomorrow": {"a": [1]}}
    tokens.write(tmp_path / "f.json", tokens.parse(json.dumps(more).encode()))
    assert json.loads((tmp_path / "f.json").read_bytes()) == more


def test_file_and_folder_are_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / ".qwen" / "oauth_creds.json"
    tokens.write(file, MADE)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent)] == [0o600, 0o700]


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": None},
        {"access_token": ""},
        {"refresh_token": 7},
        {"token_type": "Bea\nrer"},
        {"access_token": "füßchen"},
        {"expiry_date": "soon"},
        {"expiry_date": None},
        {"resource_url": ["x"]},
    ],
)
def test_a_file_without_a_login_is_refused_and_repeats_no_token(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as raised:
        tokens.parse(json.dumps({**FILE, **change}).encode())
    assert "rt-1" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b"<html>"])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        tokens.parse(content)


def test_each_account_has_a_file_and_the_first_is_the_one_of_qwen_code(tmp_path: Path) -> None:
    for name in (
        "oauth_creds.json",
        "oauth_creds_work.json",
        "oauth_creds.lock",
        "settings.json",
        "oauth_creds_.json",
    ):
        (tmp_path / name).touch()
    found = tokens.files(tmp_path)
    assert found == {name: tokens.path(tmp_path, name) for name in ("default", "work")}
    assert tokens.files(tmp_path / "nowhere") == {}


# Writes again and again, as fast as it can.
WRITER = """
import itertools, sys
from pathlib import Path
from idetour.accounts.qwen import tokens
from idetour.secret import Secret
for n in itertools.count():
    made = tokens.Tokens(access=Secret(f"at-{n}-" + "x" * 2000), refresh=Secret(f"rt-{n}"), expires=float(n))
    tokens.write(Path(sys.argv[1]), made)
    if n == 0:
        print("begun", flush=True)
"""


def test_kill_9_while_it_is_written_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    file = tmp_path / "oauth_creds.json"
    environment = {**os.environ, "PYTHONPATH": str(ADDONS)}
    for number in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, env=environment
        ) as child:
            assert child.stdout
            child.stdout.readline()
            time.sleep(0.003 * number)
            child.send_signal(signal.SIGKILL)
        found = tokens.read(file)
        count = round(found.expires)
        assert found.access.reveal() == f"at-{count}-" + "x" * 2000
        assert found.refresh.reveal() == f"rt-{count}"
    assert len([*tmp_path.iterdir()]) <= 2  # what the last one left half done is in the way of nobody
