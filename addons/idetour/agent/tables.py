"""The tables of the database that machines share, the statements that are more than a line, and rows as tasks."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from idetour.agent.store import Spec, Task, encoded, mended

if TYPE_CHECKING:
    from psycopg import Connection

    type Db = Connection[dict[str, Any]]

CHANNEL = "idetour_agent"
SCHEMA = """
CREATE TABLE IF NOT EXISTS idetour_tasks(
  place BIGSERIAL PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, spec BYTEA NOT NULL,
  tree TEXT COLLATE "C" NOT NULL, priority INT NOT NULL, created FLOAT8 NOT NULL, started FLOAT8, finished FLOAT8,
  owner TEXT, pid BIGINT, born TEXT, success BOOL, result TEXT, error TEXT, last BIGINT NOT NULL DEFAULT 0,
  key TEXT UNIQUE, digest TEXT NOT NULL, seen TIMESTAMPTZ NOT NULL DEFAULT now());
CREATE INDEX IF NOT EXISTS idetour_by_status ON idetour_tasks(status, priority, place);
CREATE TABLE IF NOT EXISTS idetour_events(
  task TEXT NOT NULL REFERENCES idetour_tasks(id) ON DELETE CASCADE, seq BIGINT NOT NULL, at FLOAT8 NOT NULL,
  type TEXT NOT NULL, data BYTEA NOT NULL, PRIMARY KEY(task, seq));
CREATE TABLE IF NOT EXISTS idetour_files(
  task TEXT NOT NULL REFERENCES idetour_tasks(id) ON DELETE CASCADE, name TEXT NOT NULL, data BYTEA NOT NULL,
  PRIMARY KEY(task, name));
"""
COLUMNS = (
    "id, status, spec, created, priority, started, finished, owner, pid, born, success, result, error, last"
)
# `tree` ends in a slash: one directory lies in another if its name begins with the other's.
CLAIM = f"""
UPDATE idetour_tasks SET status = 'starting', owner = %(owner)s, started = %(now)s, seen = now() WHERE place = (
  SELECT place FROM idetour_tasks AS next WHERE status = 'queued' AND (%(only)s::text IS NULL OR id = %(only)s)
  AND NOT EXISTS (SELECT 1 FROM idetour_tasks AS other WHERE other.status = ANY(%(active)s)
    AND (starts_with(other.tree, next.tree) OR starts_with(next.tree, other.tree)))
  ORDER BY priority DESC, place LIMIT 1 FOR UPDATE)
AND (SELECT count(*) FROM idetour_tasks WHERE status = ANY(%(active)s)) < %(limit)s
AND (%(here)s::int IS NULL OR (SELECT count(*) FROM idetour_tasks WHERE status = ANY(%(active)s)
  AND starts_with(owner, %(machine)s)) < %(here)s)
RETURNING {COLUMNS}
"""
# The braces take more columns to be set.
APPEND = """
WITH task AS (
  UPDATE idetour_tasks SET last = last + %(many)s, seen = now(){} WHERE id = %(id)s RETURNING last),
put AS (
  INSERT INTO idetour_events SELECT %(id)s, task.last - %(many)s + said.at, %(now)s, said.type, said.data
  FROM task, unnest(%(types)s::text[], %(data)s::bytea[]) WITH ORDINALITY AS said(type, data, at))
SELECT last, pg_notify(%(channel)s, %(id)s) FROM task
"""


def append(db: "Db", id: str, said: Sequence[tuple[str, dict[str, Any]]], changes: dict[str, Any]) -> int:
    """In one statement: each trip to a database elsewhere is a delay for whoever views."""
    named = {f"new_{name}": writable(value) for name, value in changes.items()}
    set_all = "".join(f", {name} = %(new_{name})s" for name in changes)
    values = {
        **named,
        "id": id,
        "many": len(said),
        "now": time.time(),
        "types": [type for type, _ in said],
        "data": [encoded(data) for _, data in said],
        "channel": CHANNEL,
    }
    found = db.execute(APPEND.format(set_all), values).fetchone()
    return int(found["last"]) if found else 0  # else it was deleted


def one(db: "Db", id: str) -> Task:
    found = db.execute(f"SELECT {COLUMNS} FROM idetour_tasks WHERE id = %s", (id,)).fetchone()
    assert found  # in the transaction that has just seen it
    return made(found)


def made(row: dict[str, Any]) -> Task:
    return Task(**{**row, "spec": msgspec.json.decode(row["spec"], type=Spec)})


def writable(value: Any) -> Any:
    """PostgreSQL's texts hold no NUL."""
    return mended(value).replace("\0", "\ufffd") if isinstance(value, str) else value
