"""What `idetour status` says of a running idetour, and of what is none."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli.printed import lines
from conftest import ADDONS
from endpoints.talk import ask, chat
from idetour.cli.status import weighing
from idetour.endpoints.admin import token
from idetour.endpoints.weights import EVERYWHERE, save
from idetour.home import folder
from idetour.profile.read import read
from upstream import Upstream, status, until

type Idetour = Callable[..., Result]


@pytest.fixture
def started(
    home: Path, serving: Callable[..., Any], profile_file: Callable[..., Path], upstream: Upstream
) -> Any:
    """`m` is answered by `up/a`, else by `up/b`."""
    state = folder("state")
    text = f"upstreams: {{ up: {{ url: '{upstream.url}' }} }}\nroutes: {{ m: [{{ use: {{ up/a: 1 }}, else: up/b }}] }}"
    return serving(profile_file(text), state=state, admin=token(state))


def test_before_anything_was_asked_it_says_so(idetour: Idetour, started: Any) -> None:
    result = idetour("status", "-p", started.port)

    assert (result.exit_code, lines(result)[1]) == (0, "No target has been asked yet.")
    assert lines(result)[0].endswith("profile profile")


def test_each_target_and_the_latest_requests_have_a_line(
    idetour: Idetour, started: Any, upstream: Upstream
) -> None:
    upstream.then(status(429, retry_after="20"), asked="a")
    chat(started.port, stream=True)
    assert until(lambda: started.gateway.pipeline.recent[0].outcome == "ok")
    said = lines(idetour("status", "-p", started.port))
    [resting] = [line for line in said if line.startswith("up/a")]
    [well] = [line for line in said if line.startswith("up/b")]
    [request] = [line for line in said if " m up/b 2 ok " in line]

    assert "cooling" in resting
    assert "upstream says 429" in resting
    assert well.startswith("up/b healthy 0 ")
    assert "pace" not in said[1]
    assert "9 in, 3 out" in request


def test_a_program_gets_json(idetour: Idetour, started: Any) -> None:
    chat(started.port)
    said = json.loads(idetour("status", "--json", "-p", started.port).stdout)

    assert [each["asked"] for each in said["recent"]] == ["m"]
    assert [(each["target"], each["state"]) for each in said["targets"]] == [("up/a", "healthy")]
    assert {"key", "left", "why", "in_flight", "limit", "pace", "first_byte"} < said["targets"][0].keys()


def test_clear_lets_a_target_be_asked_again(idetour: Idetour, started: Any, upstream: Upstream) -> None:
    upstream.then(status(429, retry_after="200"), asked="a")
    assert chat(started.port).headers["x-idetour-target"] == "up/b"
    assert chat(started.port).headers["x-idetour-target"] == "up/b"
    result = idetour("status", "-p", started.port, "clear", "up/a")

    assert result.stdout == "up/a: nothing is held against it any more\n"
    assert chat(started.port).headers["x-idetour-target"] == "up/a"


def test_clear_says_when_there_was_nothing_to_forget(idetour: Idetour, started: Any) -> None:
    result = idetour("status", "clear", "up/c", "-p", started.port)

    assert result.stdout == "Nothing was held against up/c: it has not been asked since the start.\n"


def test_weights_that_were_set_are_shown_here_and_by_check(
    idetour: Idetour, home: Path, serving: Callable[..., Any], profile_file: Callable[..., Path]
) -> None:
    path = profile_file("routes: { r: [{ use: { demo/hello: 3, demo/echo: 1 } }] }")
    save(folder("state"), read(path), {"r": {EVERYWHERE: {"demo/hello": 0.5}}})
    running = serving(path, state=folder("state"), admin=token(folder("state")))
    line = "weights r differs from the profile: demo/hello 3 → 0.5"

    assert line in lines(idetour("status", "-p", running.port))
    assert line in lines(idetour("check", path))


def test_a_profile_that_is_broken_on_disk_is_told(idetour: Idetour, started: Any) -> None:
    started.gateway.watched.current.path.write_text("models: { m: nowhere }")
    assert until(lambda: started.gateway.watched.problem)

    assert "warning: the profile on disk is not in use: " in idetour("status", "-p", started.port).stdout


def test_watch_goes_on_until_ctrl_c(started: Any) -> None:
    command = [sys.executable, "-m", "idetour", "status", "--watch", "--json", "-p", str(started.port)]
    environment = {**os.environ, "PYTHONPATH": str(ADDONS)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:
        assert child.stdout
        looks = [json.loads(child.stdout.readline()) for _ in range(2)]
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=20)
    assert [look["recent"] for look in looks] == [[], []]
    assert (child.returncode, said) == (0, (b"", b""))


def test_watch_looks_again_when_something_happens(started: Any) -> None:
    command = [sys.executable, "-m", "idetour", "status", "--watch", "--json", "-p", str(started.port)]
    environment = {**os.environ, "PYTHONPATH": str(ADDONS)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:
        assert child.stdout
        looks = [json.loads(child.stdout.readline())]
        chat(started.port)
        while not looks[-1]["recent"] and len(looks) < 5:
            looks.append(json.loads(child.stdout.readline()))
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
    assert looks[-1]["recent"][0]["asked"] == "m"


def test_a_link_lets_a_browser_in_once(idetour: Idetour, started: Any) -> None:
    result = idetour("status", "link", "-p", started.port)
    address, _, token = result.stdout.strip().partition("#token=")
    body = json.dumps({"token": token}).encode()
    answers = [
        ask(started.port, "POST", "/admin/api/session", body, content_type="application/json").status
        for _ in range(2)
    ]

    assert address == f"http://127.0.0.1:{started.port}/admin"
    assert answers == [200, 401]


def test_weights_are_a_line_for_each_route() -> None:
    differing = {"r": {"a": {"was": 3.0, "now": 0.5}, "b": {"was": 1.0, "now": 0.0}}}

    assert [*weighing(differing)] == ["r differs from the profile: a 3 → 0.5, b 1 → 0"]


def test_a_rule_with_weights_of_its_own_has_a_line_of_its_own() -> None:
    moved = {"was": 3, "now": 0.5}

    assert [*weighing({"r": {"a": moved, "2": {"now": moved}}})] == [
        "r differs from the profile: a 3 → 0.5",
        "r, rule 2 differs from the profile: now 3 → 0.5",
    ]
