"""The cases in tests/golden/wire: what an upstream streamed, and what became of it.

Four parts, divided by lines of dashes: the upstream's stream, the client's
stream, how it ended, and the same answer to a client that asked for it whole.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent.parent / "golden" / "wire"
DASHES = "\n" + 40 * "-" + "\n"


class Case(NamedTuple):
    name: str
    upstream: bytes
    client: bytes
    outcome: str
    whole: Any  # a completion, or the sentence of the error

    @property
    def ends_well(self) -> bool:
        return isinstance(self.whole, dict)


def read(path: Path) -> Case:
    upstream, client, outcome, whole = path.read_bytes().decode().split(DASHES)
    return Case(
        path.stem,
        f"{upstream}\n\n".encode(),
        f"{client}\n\n".encode() if client else b"",
        outcome,
        json.loads(whole) if whole.startswith("{") else whole.rstrip("\n"),
    )


CASES = {path.stem: read(path) for path in sorted(FOLDER.glob("*.txt"))}
