"""What was learned, seen and forgotten, whether idetour runs or not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import Result

from idetour.endpoints.admin import token
from idetour.endpoints.serve import LEARNED
from idetour.gateway.quirks import Quirks, Row
from idetour.home import folder
from idetour.profile import Target
from idetour.upstreams.quirk import Quirk
from upstream import until

if TYPE_CHECKING:
    from conftest import Serving

type Idetour = Callable[..., Result]


@pytest.fixture
def learned(home: Path) -> Path:
    """A home in which something was learned of two targets."""
    path = folder("state") / LEARNED
    known = Quirks(path)
    known.learn(Target("nim", "a/b"), Quirk("drop", "seed"), why="Unsupported parameter(s): seed")
    known.learn(Target("nim", "c"), Quirk("clamp", "max_tokens", [1, 8192]), why="Range of max_tokens")
    known.close()
    return path


def test_what_was_learned_is_listed_with_the_lines_that_make_it_last(
    idetour: Idetour, learned: Path, free_port: int
) -> None:
    said = idetour("quirks", "list", "-p", free_port).stdout
    assert "nim/a/b" in said
    assert "seed dropped" in said
    assert "Unsupported parameter(s): seed" in said
    assert "  models: { NAME: { to: nim/a/b, drop: [seed] } }\n" in said
    assert "  models: { NAME: { to: nim/c, clamp: { max_tokens: [1, 8192] } } }\n" in said


def test_a_program_gets_json(idetour: Idetour, learned: Path, free_port: int) -> None:
    found = json.loads(idetour("quirks", "list", "--json", "-p", free_port).stdout)
    assert {(each["target"], each["kind"], each["field"]) for each in found} == {
        ("nim/a/b", "drop", "seed"),
        ("nim/c", "clamp", "max_tokens"),
    }


def test_where_nothing_was_learned_nothing_is_made(idetour: Idetour, home: Path, free_port: int) -> None:
    assert "No target has refused anything yet." in idetour("quirks", "list", "-p", free_port).stdout
    assert not (home / "state" / LEARNED).exists()


@pytest.mark.parametrize("runs", [True, False], ids=["running", "not running"])
def test_what_is_forgotten_is_gone_from_the_file_too(
    idetour: Idetour,
    learned: Path,
    serving: Callable[..., "Serving"],
    profile_file: Callable[..., Path],
    free_port: int,
    runs: bool,
) -> None:
    if runs:
        state = learned.parent
        serving(profile_file("models: {m: demo/hello}"), port=free_port, state=state, admin=token(state))
    said = idetour("quirks", "forget", "nim/a/b", "seed", "-p", free_port)
    assert said.stdout == "Forgotten of nim/a/b: seed dropped\n"
    assert [
        each["target"] for each in json.loads(idetour("quirks", "list", "--json", "-p", free_port).stdout)
    ] == ["nim/c"]
    assert idetour("quirks", "forget", "nim", "-p", free_port).stdout.startswith(
        "Forgotten of nim/c: max_tokens"
    )
    assert idetour("quirks", "forget", "nim", "-p", free_port).stdout == "Nothing was learned of nim.\n"
    assert (
        "Nothing was learned of seed at nim."
        in idetour("quirks", "forget", "nim", "seed", "-p", free_port).stdout
    )
    assert until(lambda: rows(learned) == [])


def rows(path: Path) -> list[Row]:
    """What the file holds."""
    known = Quirks(path)
    known.close()
    return known.rows()
