"""Hearing what the model says, from a gateway that may be old, away, slow or restarted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from agent.telling import Teller
from idetour.agent import live
from idetour.agent.gateway import Gateway
from idetour.agent.live import Ear
from upstream import until

BEGIN = {"type": "begin", "request": "r1", "model": "coder", "target": "up/m"}
END = {"type": "end", "request": "r1", "outcome": "ok"}


def text(said: str) -> dict[str, Any]:
    return {"type": "delta", "request": "r1", "text": said}


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Callable[[str], Ear]]:
    """`listening(url)`: somebody who listens there, as the owner."""
    token = tmp_path / "admin-token"
    token.write_text("owner")
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(Ear(Gateway(url, token), "g1")))


@pytest.fixture
def teller() -> Iterator[Teller]:
    with Teller() as teller:
        yield teller


def heard(ear: Ear, many: int, *, within: float = 5.0) -> list[dict[str, Any]]:
    """The next so many events that are no greeting."""
    found: list[dict[str, Any]] = []

    def all_there() -> bool:
        found.extend(each for each in ear.heard() if each["type"] != "hello")
        return len(found) >= many

    assert until(all_there, within=within), found
    return found


def test_what_is_told_is_heard_in_order(teller: Teller, listening: Callable[[str], Ear]) -> None:
    ear = listening(teller.url)
    assert until(lambda: bool(teller.asked))
    said = [BEGIN, text("Hel"), text("lo 你好\u2028"), END]
    for each in said:
        teller.say(each)

    assert heard(ear, 4) == said
    assert teller.asked == [("/admin/api/tokens/said?id=g1", None)]


def test_who_comes_back_after_a_break_misses_nothing(teller: Teller, listening: Callable[[str], Ear]) -> None:
    ear = listening(teller.url)
    assert until(lambda: bool(teller.asked))
    teller.say(BEGIN, text("a"))
    assert heard(ear, 2) == [BEGIN, text("a")]
    teller.drop()
    teller.say(text("b"))

    assert heard(ear, 1) == [text("b")]
    assert [last for _, last in teller.asked] == [None, "b-2"]


def test_a_gateway_that_comes_later_is_found(
    listening: Callable[[str], Ear], free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PAUSES", (0.02,))
    ear = listening(f"http://127.0.0.1:{free_port}")
    with Teller(port=free_port) as teller:
        assert until(lambda: bool(teller.asked), within=5)
        teller.say(BEGIN)
        assert heard(ear, 1) == [BEGIN]


@pytest.mark.parametrize("status", [404, 401])
def test_an_older_gateway_is_asked_once(listening: Callable[[str], Ear], status: int) -> None:
    with Teller(status=status) as teller:
        ear = listening(teller.url)
        ear._thread.join(5)

        assert (ear._thread.is_alive(), ear.heard(), len(teller.asked)) == (False, [], 1)


def test_a_gateway_with_too_many_listeners_is_asked_again(
    listening: Callable[[str], Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PAUSES", (0.02,))
    with Teller(status=503) as teller:
        listening(teller.url)

        assert until(lambda: len(teller.asked) > 2, within=5)


def test_when_the_token_is_over_nobody_listens_any_more(
    teller: Teller, listening: Callable[[str], Ear]
) -> None:
    ear = listening(teller.url)
    assert until(lambda: bool(teller.asked))
    teller.say(END, {"type": "over"})
    ear._thread.join(5)

    assert (ear._thread.is_alive(), heard(ear, 1)) == (False, [END])


def test_who_does_not_fetch_loses_pieces_but_not_what_they_belong_to(
    teller: Teller, listening: Callable[[str], Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "KEPT", 1000)
    ear = listening(teller.url)
    assert until(lambda: bool(teller.asked))
    teller.say(BEGIN, *[text("x" * 400)] * 50, END, {"type": "over"})
    ear._thread.join(5)
    kinds = [each["type"] for each in ear.heard()]

    assert kinds == ["hello", "begin", "delta", "delta", "end"]


def test_it_ends_at_once_also_while_it_listens(teller: Teller, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("owner")
    ear = Ear(Gateway(teller.url, tmp_path / "token"), "g1")
    assert until(lambda: bool(teller.asked))
    ear.close()

    assert not ear._thread.is_alive()


def test_without_the_owners_token_it_is_quiet(tmp_path: Path) -> None:
    with closing(Ear(Gateway("http://127.0.0.1:9", tmp_path / "none"), "g1")) as ear:
        assert ear.heard() == []
