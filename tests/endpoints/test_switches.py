"""Targets that are switched off, and how they are kept."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.endpoints.switches import FILE, Switches
from idetour.endpoints.weights import Weights
from idetour.errors import BadRequest, RequestError
from idetour.profile import Profile, Target
from idetour.profile.watch import Watched
from idetour.routes.plan import plan

ROUTES = """
models: { a: demo/echo, b: demo/hello }
routes: { gpt-4o: [{ use: { a: 1 }, else: [b] }] }
"""
ECHO = Target("demo", "echo")


@pytest.fixture
def watched(profiles: Callable[..., Profile]) -> Watched:
    return Watched(profiles(ROUTES).path)


def turn(switches: Switches, name: str, *, on: bool) -> None:
    asyncio.run(switches.turn(name, on=on))


def test_no_route_leads_to_what_is_off(watched: Watched) -> None:
    weights = Weights(watched)
    turn(weights.switches, "demo/echo", on=False)
    assert [str(each.target) for each in plan(weights.profile, "gpt-4o").candidates] == ["demo/hello"]

    turn(weights.switches, "demo/echo", on=True)
    assert [str(each.target) for each in plan(weights.profile, "gpt-4o").candidates] == [
        "demo/echo",
        "demo/hello",
    ]


def test_it_survives_a_restart_and_the_last_one_leaves_nothing(watched: Watched, tmp_path: Path) -> None:
    first = Switches(watched, tmp_path)
    turn(first, "demo/echo", on=False)
    assert Switches(watched, tmp_path).off == {ECHO}
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600

    turn(first, "demo/echo", on=True)
    assert (tmp_path / FILE).read_text().strip() == "{}"


@pytest.mark.parametrize("name", ["echo", "/", "nowhere/x"])
def test_what_is_no_target_is_refused(watched: Watched, name: str) -> None:
    with pytest.raises(BadRequest, match=r"is no target|No upstream is called"):
        turn(Switches(watched), name, on=False)


def test_one_whose_upstream_is_gone_can_be_switched_on_again(watched: Watched) -> None:
    switches = Switches(watched)
    switches.off = frozenset({Target("gone", "x")})
    turn(switches, "gone/x", on=True)

    assert switches.off == frozenset()


@pytest.mark.parametrize("text", ["{", '{"x": 1}', "[]"])
def test_a_broken_file_switches_nothing_off_and_is_begun_anew(
    watched: Watched, tmp_path: Path, text: str
) -> None:
    (tmp_path / FILE).write_text(text)
    switches = Switches(watched, tmp_path)
    assert switches.off == frozenset()

    turn(switches, "demo/echo", on=False)
    assert Switches(watched, tmp_path).off == {ECHO}


def test_what_cannot_be_kept_is_not_done(watched: Watched, tmp_path: Path) -> None:
    switches = Switches(watched, tmp_path)
    (tmp_path / FILE).mkdir()

    with pytest.raises(RequestError, match="cannot be kept"):
        turn(switches, "demo/echo", on=False)
    assert switches.off == frozenset()
