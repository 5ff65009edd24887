"""The tables: made by everybody who comes, at once."""

from concurrent.futures import ThreadPoolExecutor

from agent.database import Database
from idetour.agent.postgres import opened
from idetour.secret import Secret


def test_tables_are_made_once_by_many(postgres: Database) -> None:
    url = Secret(postgres.fresh())
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: opened(url), range(6)))
    for store in stores:
        store.close()

    assert len(stores) == 6
