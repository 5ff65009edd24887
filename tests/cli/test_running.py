"""Who is asked on a port, and with which token."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from endpoints.talk import chat
from idetour.endpoints.admin import FILE, token
from idetour.home import folder
from upstream import Upstream

type Idetour = Callable[..., Result]


@pytest.fixture
def started(home: Path, serving: Callable[..., Any], profile_file: Callable[..., Path]) -> Any:
    state = folder("state")
    return serving(profile_file("models: { m: demo/hello }"), state=state, admin=token(state))


def test_nothing_that_runs_there_is_told_with_the_remedy(idetour: Idetour, free_port: int) -> None:
    result = idetour("status", "-p", free_port)

    assert result.exit_code == 1
    assert f"Nothing listens on port {free_port}. Start it with `idetour run`" in result.stderr


def test_another_program_gets_no_token(idetour: Idetour, upstream: Upstream) -> None:
    token(folder("state"))
    result = idetour("status", "-p", upstream.port)

    assert result.exit_code == 1
    assert f"Port {upstream.port} is held by " in result.stderr
    assert [request.path for request in upstream.requests] == ["/health"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "is missing"), ("", "holds no admin token"), ("x" * 43, "started with another home")],
)
def test_a_token_that_does_not_fit_is_told(
    idetour: Idetour, started: Any, home: Path, content: str | None, said: str
) -> None:
    (home / "state" / FILE).unlink()
    if content is not None:
        (home / "state" / FILE).write_text(content)
    result = idetour("status", "-p", started.port)

    assert result.exit_code == 1
    assert said in " ".join(result.stderr.split())


def test_the_whole_product_takes_the_token_of_its_home(
    idetour: Idetour, running: Callable[..., Any], profile_file: Callable[..., Path], home: Path
) -> None:
    product = running(profile_file("models: { m: demo/hello }"))
    chat(product.port)
    said = json.loads(idetour("status", "--json", "-p", product.port).stdout)

    assert (said["recent"][0]["target"], said["recent"][0]["door"]) == ("demo/hello", "direct")
    assert (home / "state" / FILE).stat().st_mode & 0o777 == 0o600
    assert (home / "state" / FILE).read_text() not in product.output()
