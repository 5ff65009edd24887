"""Stand-ins for tools that only other systems have: programs of their own, which keep what they are told."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """`tool(name, code)`: a program of this name, first on the search path.

    Its code has `argv`, and `state`, a dictionary that lasts; every call is a line of the file that is returned.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(name: str, code: str) -> Path:
        calls, kept = tmp_path / f"{name}.calls", tmp_path / f"{name}.json"
        kept.write_text("{}")
        (folder / name).write_text(
            f"#!{sys.executable} -IS\nimport json, sys\nargv = sys.argv[1:]\n"  # -IS: starts in a third of the time
            f"with open({str(calls)!r}, 'a') as file: file.write(json.dumps(argv) + '\\n')\n"
            f"with open({str(kept)!r}) as file: state = json.load(file)\n"
            f"{code}\nwith open({str(kept)!r}, 'w') as file: json.dump(state, file)\n"
        )
        (folder / name).chmod(0o755)
        return calls

    return write


def asked(calls: Path) -> list[list[str]]:
    return [json.loads(line) for line in calls.read_text().splitlines()]
