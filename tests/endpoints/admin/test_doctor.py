"""The doctor's findings as they come, from a process of its own."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endpoints.admin.owning import BEARER, events, own
from endpoints.talk import Line, request
from upstream import until

if TYPE_CHECKING:
    from conftest import Serving

PATH = "/admin/api/doctor"


def test_each_hop_is_told_and_a_conclusion(owned: "Serving") -> None:
    told = events(own(owned.port, "POST", PATH, {"offline": True}, host=f"127.0.0.1:{owned.port}"))

    assert {each["type"] for each in told[:-1]} == {"finding"}
    assert {"profile", "listener"} <= {each["hop"] for each in told[:-1]}
    assert {each["state"] for each in told[:-1]} <= {"ok", "note", "broken", "skipped"}
    assert told[-1]["type"] == "end"


def test_where_it_fails_itself_its_last_word_is_told(owned: "Serving") -> None:
    [end] = events(own(owned.port, "POST", PATH, {"ide": "nothing-known"}, host=f"127.0.0.1:{owned.port}"))

    assert (end["type"], end["open"]) == ("end", False)
    assert "nothing-known" in end["error"]


@pytest.mark.parametrize("body", [{"ide": "--help"}, {"model": "-x"}, {"model": "a\nb"}, {"idee": "trae"}])
def test_what_is_no_name_is_refused(owned: "Serving", body: dict[str, str]) -> None:
    assert own(owned.port, "POST", PATH, body, host=f"127.0.0.1:{owned.port}").status == 400


def test_who_leaves_ends_it(owned: "Serving", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, told = tmp_path / "slow", tmp_path / "pid"
    slow.write_text(f"#!/bin/sh\necho $$ > {told}\nexec sleep 60\n")
    slow.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(slow))
    with Line(owned.port) as line:
        headers = {**BEARER, "content_type": "application/json", "host": f"127.0.0.1:{owned.port}"}
        line.send(request("POST", PATH, b"{}", **headers))
        assert until(lambda: told.exists() and told.read_text())
        pid = int(told.read_text())
        assert alive(pid)

    assert until(lambda: not alive(pid))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
