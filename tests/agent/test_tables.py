"""The tables: made by everybody who comes, at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from agent.test_store import submitted
from idetour.agent.store import Store


def test_tables_are_made_once_by_many(opener: Callable[[], Store]) -> None:
    def come(number: int) -> None:
        with closing(opener()) as store:
            submitted(store, str(number))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(come, range(6)))

    with closing(opener()) as store:
        assert store.counts() == {"queued": 6}
