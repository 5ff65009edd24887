"""Single requests from the usage store: pages of a list, newest first, and one with all that is known of it."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

import msgspec

from idetour.errors import BadRequest
from idetour.usage.row import Attempt, Bodies, Entry, Row
from idetour.wire.usage import Usage

MOST = 200  # requests of one page
SEARCHED = ("id", "asked", "target", "error")
FILTERS = ("outcome", "asked", "target", "client")
SCANNED = 50_000  # rows that a search looks at


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests. Of `filters` all have to hold; one may name several values, with commas."""

    limit: int = 50
    before: str = ""  # the cursor of the page before
    since: float = 0.0
    until: float = 4e9
    search: str = ""
    filters: Mapping[str, str] = MappingProxyType({})


def page(wanted: Wanted) -> Callable[[sqlite3.Connection], tuple[list[Row], str | None]]:
    """The requests and the cursor of the next page, if there is one. Raises BadRequest."""
    limit = max(1, min(wanted.limit, MOST))
    words, values = ["began >= ?", "began < ?"], [wanted.since, wanted.until]
    parameters: list[object] = [*values]
    if wanted.before:
        words.append("(began, id) < (?, ?)")
        parameters += cursor(wanted.before)
    for name, said in wanted.filters.items():
        chosen = said.split(",")
        words.append(f"{name} IN ({', '.join('?' * len(chosen))})")
        parameters += chosen
    source = f"SELECT * FROM requests WHERE {' AND '.join(words)} ORDER BY began DESC, id DESC"
    if wanted.search:
        part = "%" + wanted.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found = " OR ".join(f"{name} LIKE ? ESCAPE '\\'" for name in SEARCHED)
        source = f"SELECT * FROM ({source} LIMIT {SCANNED}) WHERE {found}"
        parameters += [part] * len(SEARCHED)

    def ask(database: sqlite3.Connection) -> tuple[list[Row], str | None]:
        found = [row_of(each) for each in database.execute(f"{source} LIMIT {limit + 1}", parameters)]
        rows = found[:limit]
        return rows, f"{rows[-1].began!r}_{rows[-1].id}" if len(found) > limit else None

    return ask


def cursor(said: str) -> tuple[float, str]:
    """Where a page ended. Raises BadRequest."""
    began, _, id = said.partition("_")
    try:
        return float(began), id
    except ValueError:
        raise BadRequest("`before` is not what `next` of another page said.", param="before") from None


def entry(id: str) -> Callable[[sqlite3.Connection], Entry | None]:
    """A request with its attempts, and what was said where that is kept."""

    def ask(database: sqlite3.Connection) -> Entry | None:
        found = database.execute("SELECT * FROM requests WHERE id = ?", (id,)).fetchone()
        if found is None:
            return None
        attempts = [
            Attempt(**{name: each[name] for name in Attempt.__slots__})
            for each in database.execute("SELECT * FROM attempts WHERE request = ? ORDER BY n", (id,))
        ]
        said = database.execute("SELECT request, answer, cut FROM bodies WHERE id = ?", (id,)).fetchone()
        bodies = Bodies(request=said[0], answer=said[1], cut=bool(said[2])) if said else None
        return Entry(row=row_of(found), attempts=tuple(attempts), bodies=bodies)

    return ask


def row_of(found: sqlite3.Row) -> Row:
    made = {name: found[name] for name in Row.__slots__}
    made["stream"] = bool(made["stream"])
    made["tokens"] = msgspec.json.decode(made["tokens"], type=Usage) if made["tokens"] else None
    made["changed"] = tuple(msgspec.json.decode(made["changed"], type=list[str]))
    return Row(**made)


def document(entry: Entry) -> dict[str, object]:
    """An entry as one JSON object."""
    made: dict[str, object] = asdict(entry.row)
    return made | {"attempts": entry.attempts, "bodies": entry.bodies}
