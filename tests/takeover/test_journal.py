"""The journal: on the disk before a change, replayed from the newest, and never more than once."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from idetour.errors import SetupError
from idetour.takeover import journal


def replay(**kinds: journal.Undo) -> journal.Report:
    return journal.undo(kinds)


class Undone:
    """An undo function that remembers what it was given."""

    def __init__(self, fails: str = "") -> None:
        self.calls: list[tuple[journal.Data, list[journal.Data]]] = []
        self._fails = fails

    def __call__(self, data: journal.Data, rest: Sequence[journal.Data]) -> None:
        self.calls.append((data, list(rest)))
        if self._fails:
            raise SetupError(self._fails)


def test_an_entry_is_on_the_disk_and_closed_to_others_when_note_returns(home: Path) -> None:
    entry = journal.note("hosts", {"path": "/etc/hosts", "名": "值"})

    assert json.loads(entry.path.read_bytes())["data"] == {"path": "/etc/hosts", "名": "值"}
    assert [each.name for each in entry.path.parent.iterdir()] == [entry.path.name]
    if os.name == "posix":
        assert stat.S_IMODE(entry.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(entry.path.parent.stat().st_mode) == 0o700


def test_changes_are_undone_newest_first_and_only_once(home: Path) -> None:
    for number in range(12):
        journal.note("value", {"number": number})
    undone = Undone()

    assert len(replay(value=undone).undone) == 12
    assert [data["number"] for data, _ in undone.calls] == list(range(11, -1, -1))
    assert replay(value=undone) == journal.Report((), ())


def test_an_undo_function_sees_what_of_its_kind_remains(home: Path) -> None:
    for kind, number in [("a", 1), ("b", 2), ("a", 3)]:
        journal.note(kind, {"number": number})
    a = Undone()

    replay(a=a, b=Undone())
    assert a.calls == [({"number": 3}, [{"number": 1}]), ({"number": 1}, [])]


def test_what_cannot_be_undone_stays_with_its_reason_and_holds_up_nothing(home: Path) -> None:
    journal.note("good", {})
    bad = journal.note("bad", {})
    report = replay(good=Undone(), bad=Undone(fails="no rights"))

    assert [entry.kind for entry in report.undone] == ["good"]
    assert [(entry.path, why) for entry, why in report.left] == [(bad.path, "no rights")]
    assert [entry.kind for entry in journal.entries()] == ["bad"]


def test_a_kind_of_a_later_version_is_left_and_named(home: Path) -> None:
    journal.note("tunnel", {})

    ((_, why),) = replay().left
    assert "does not know how to undo 'tunnel'" in why


def test_damaged_data_is_left_and_named(home: Path) -> None:
    journal.note("hosts", {})

    def undo(data: journal.Data, rest: Sequence[journal.Data]) -> None:
        data["path"]

    assert [why for _, why in replay(hosts=undo).left] == ["'path'"]


def test_a_file_that_is_no_entry_is_passed_over(home: Path) -> None:
    folder = journal.note("value", {}).path.parent
    (folder / "000009-1.json").write_text("{")
    (folder / "000010-1.json").write_text('["kind"]')

    assert [entry.kind for entry in journal.entries()] == ["value"]


def test_a_done_entry_is_gone_and_done_twice_is_harmless(home: Path) -> None:
    entry = journal.note("value", {})
    entry.done()
    entry.done()

    assert journal.entries() == []


def test_no_journal_is_made_by_looking(home: Path) -> None:
    assert journal.entries() == []
    assert replay() == journal.Report((), ())
    assert not home.exists()


def test_an_entry_is_held_for_the_life_of_a_process(home: Path) -> None:
    journal.note("by hand", {})
    journal.note("ours", {}, held=True)
    code = "from idetour.takeover import journal; journal.note('theirs', {}, held=True)"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **python()})

    states = {entry.kind: (entry.alive, entry.abandoned) for entry in journal.entries()}
    assert states == {"by hand": (False, False), "ours": (True, False), "theirs": (False, True)}


def test_a_folder_that_cannot_be_written_means_that_nothing_may_be_changed(home: Path) -> None:
    home.write_text("a file where the folder should be")

    with pytest.raises(SetupError, match="Nothing was changed, because how to undo it cannot be written"):
        journal.note("hosts", {})


def python() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(journal.__file__).parents[2])}
