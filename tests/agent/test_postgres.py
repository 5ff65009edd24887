"""What is particular to a database elsewhere: connections that break, and at the worst moment."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Self

import pytest

from agent.database import Database
from agent.test_store import submitted
from idetour.agent.postgres import opened
from idetour.agent.store import Unwritable
from idetour.errors import SetupError
from idetour.secret import Secret


class Relay:
    """Passes bytes between a client and PostgreSQL. When told so, it loses the answer to the next COMMIT, or the question."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.lose = ""  # answer, question
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._lines: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._lines += [client, server]
                threading.Thread(target=self._pass, args=(client, server), daemon=True).start()

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        with suppress(OSError):
            while data := client.recv(65536):
                if self.lose and b"COMMIT" in data:
                    lost, self.lose = self.lose, ""
                    client.shutdown(socket.SHUT_RDWR)  # nothing goes back any more
                    if lost == "answer":
                        server.sendall(data)
                    break
                server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)
        back.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for line in self._lines:
            line.close()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            with suppress(OSError):
                sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def relay(postgres: Database) -> Iterator[Relay]:
    with Relay(postgres.port) as relay:
        yield relay


def through(relay: Relay, postgres: Database) -> Secret:
    return Secret(postgres.fresh().replace(str(postgres.port), str(relay.port)))


def test_a_commit_whose_answer_is_lost_is_not_made_twice(postgres: Database, relay: Relay) -> None:
    with closing(opened(through(relay, postgres))) as store:
        submitted(store, "a")
        relay.lose = "answer"

        assert store.append("a", [("x", {})]) == 2
        assert relay.lose == ""
        assert [event.type for event in store.events("a")] == ["queued", "x"]


def test_a_commit_that_did_not_arrive_is_made_again(postgres: Database, relay: Relay) -> None:
    with closing(opened(through(relay, postgres))) as store:
        submitted(store, "a")
        relay.lose = "question"

        assert store.append("a", [("x", {})]) == 2
        assert relay.lose == ""
        assert [event.seq for event in store.events("a")] == [1, 2]


def test_who_was_connected_before_a_restart_is_connected_after_it(postgres: Database) -> None:
    with closing(opened(Secret(postgres.fresh()))) as store:
        submitted(store, "a")
        before = store.version()
        postgres.stop()
        with pytest.raises(Unwritable):
            list(iter(store.version, None))  # the first look may only find that it says good-bye
        postgres.start()

        assert store.append("a", [("x", {})]) == 2
        assert store.version() != before


def test_what_others_write_is_heard_and_what_nobody_writes_is_not(postgres: Database) -> None:
    url = Secret(postgres.fresh())
    with closing(opened(url)) as store, closing(opened(url)) as other:
        before = store.version()
        assert store.version() == before
        submitted(other, "a")
        while store.version() == before:
            pass


def test_a_long_file_is_kept_by_its_end(
    postgres: Database, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idetour.agent.postgres.LONGEST", 4)
    file = tmp_path_factory.mktemp("run") / "console.log"
    with closing(opened(Secret(postgres.fresh()))) as store:
        submitted(store, "a")
        store.keep("a", file)
        assert store.kept("a", "console.log") is None
        for text in ("abc", "abcdef"):
            file.write_text(text)
            store.keep("a", file)

        assert store.kept("a", "console.log") == b"cdef"


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(SetupError, match="cannot be used") as caught:
        opened(Secret("postgresql://x:hunter2@127.0.0.1:1/x"))

    assert "hunter2" not in str(caught.value)
