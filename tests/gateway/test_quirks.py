"""What is remembered of targets: over a restart, in a bounded number, for a time."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from idetour.gateway import quirks
from idetour.gateway.quirks import Quirks
from idetour.profile import Target
from idetour.upstreams.quirk import Quirk, applied
from idetour.upstreams.transport import Outgoing

TARGET = Target("nim", "some/model")
SEED = Quirk("drop", "seed")
CLAMP = Quirk("clamp", "max_tokens", [1, 8192])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "quirks.sqlite"


def sent(known: Quirks, target: Target = TARGET, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    """What a body becomes, and what that is called."""
    outgoing = Outgoing(url="https://up.test", headers={}, body=json.dumps(fields).encode())
    made, used = applied(outgoing, known.of(target))
    known.used(target, used)
    return json.loads(made.body or b""), [str(each) for each in used]


def test_what_was_learned_is_applied_to_that_target_alone(path: Path) -> None:
    known = Quirks()
    known.learn(TARGET, SEED, why="no seed here")
    known.learn(TARGET, CLAMP, why="too large")
    assert sent(known, seed=1, max_tokens=9999) == (
        {"max_tokens": 8192},
        ["seed dropped", "max_tokens at least 1 and at most 8192"],
    )
    assert sent(known, Target("nim", "other"), seed=1) == ({"seed": 1}, [])


def test_only_what_changes_something_counts_as_a_hit() -> None:
    known = Quirks()
    known.learn(TARGET, SEED, why="")
    sent(known, n=1)
    assert known.rows()[0].hits == 0
    sent(known, seed=1)
    assert known.rows()[0].hits == 1


def test_a_restart_remembers_and_counts_on(path: Path) -> None:
    first = Quirks(path)
    first.learn(TARGET, CLAMP, why="too\n large")
    for _ in range(3):
        sent(first, max_tokens=9999)
    first.close()
    second = Quirks(path)
    (row,) = second.rows()
    second.close()
    assert (row.target, row.quirk, row.hits, row.why) == ("nim/some/model", CLAMP, 3, "too large")
    assert row.since == pytest.approx(first.rows()[0].since)


def test_what_was_learned_last_of_a_field_counts() -> None:
    known = Quirks()
    known.learn(TARGET, Quirk("clamp", "seed", [0, 9]), why="")
    known.learn(TARGET, SEED, why="")
    assert known.of(TARGET) == [SEED]


def test_it_is_forgotten_by_field_by_target_and_by_upstream(path: Path) -> None:
    known = Quirks(path)
    other = Target("nim", "other")
    for target in (TARGET, other):
        known.learn(target, SEED, why="")
        known.learn(target, CLAMP, why="")
    assert [row.quirk for row in known.forget(TARGET, "seed")] == [SEED]
    assert known.of(TARGET) == [CLAMP]
    assert len(known.forget("nim/other")) == 2
    assert len(known.forget("nim")) == 1
    assert known.forget("nim") == []
    known.close()
    again = Quirks(path)
    again.close()
    assert again.rows() == []


def test_after_thirty_days_it_is_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Quirks(path)
    known.learn(TARGET, SEED, why="")
    known.close()
    monkeypatch.setattr(quirks, "DAYS", -1)
    again = Quirks(path)
    assert again.rows() == []
    again.learn(TARGET, SEED, why="")
    assert again.of(TARGET) == []  # while it runs, too
    again.close()


def test_what_a_complaint_repeats_of_the_request_is_not_kept() -> None:
    known = Quirks()
    said = "[{'type': 'extra_forbidden', 'loc': ('body', 'x'), 'msg': 'Extra inputs', 'input': 'my secret words'}]"
    known.learn(TARGET, SEED, why=said)
    assert "Extra inputs" in known.rows()[0].why
    assert "secret" not in known.rows()[0].why


def test_no_more_than_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quirks, "MOST", 3)
    known = Quirks()
    for number in range(5):
        known.learn(Target("up", str(number)), SEED, why="")
    assert sorted(row.target for row in known.rows()) == ["up/2", "up/3", "up/4"]


def test_a_program_is_told_what_where_since_when_and_why() -> None:
    known = Quirks()
    known.learn(TARGET, SEED, why="no seed here")
    told = known.rows()[0].told()
    assert told.pop("since") > 1.7e9
    assert told == {
        "target": "nim/some/model",
        "kind": "drop",
        "field": "seed",
        "value": None,
        "what": "seed dropped",
        "hits": 0,
        "why": "no seed here",
        "profile": "models: { NAME: { to: nim/some/model, drop: [seed] } }",
    }


def test_what_another_process_learns_and_forgets_is_taken_over(path: Path) -> None:
    before = Quirks(path)
    before.learn(TARGET, SEED, why="")
    before.close()
    ours, theirs = Quirks(path), Quirks(path)
    theirs.forget(TARGET)
    theirs.learn(TARGET, CLAMP, why="")
    theirs.close()
    asyncio.run(ours.refresh())
    assert ours.of(TARGET) == [CLAMP]
    ours.close()


def test_what_is_learned_while_the_file_is_read_again_is_not_lost(path: Path) -> None:
    ours, theirs = Quirks(path), Quirks(path)
    theirs.learn(TARGET, SEED, why="")
    theirs.close()

    async def both() -> None:
        reading = asyncio.create_task(ours.refresh())
        await asyncio.sleep(0)
        ours.learn(TARGET, CLAMP, why="")
        await reading

    asyncio.run(both())
    assert ours.of(TARGET) == [SEED, CLAMP]
    ours.close()
