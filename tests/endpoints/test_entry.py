import pytest

from idetour.endpoints import entry
from idetour.endpoints.entry import Entry, Line, Tickets
from idetour.errors import Forbidden

LINE = Line("api.openai.com", frozenset({"api.openai.com", "openrouter.ai"}))


def test_a_ticket_is_good_once() -> None:
    tickets, entry = Tickets(), Entry(host="api.openai.com")
    ticket = tickets.issue(entry)
    assert (tickets.take(ticket), tickets.take(ticket)) == (entry, None)


def test_a_ticket_cannot_be_guessed() -> None:
    tickets = Tickets()
    issued = {tickets.issue(Entry()) for _ in range(100)}
    assert (len(issued), min(map(len, issued)) >= 32) == (100, True)
    assert tickets.take("") is None


def test_tickets_that_nobody_uses_do_not_pile_up() -> None:
    tickets = Tickets()
    first = tickets.issue(Entry())
    for _ in range(entry.MOST_OPEN):
        last = tickets.issue(Entry())
    assert tickets.take(first) is None
    assert tickets.take(last) is not None


def test_a_door_is_called_by_the_host_that_was_asked() -> None:
    assert (Entry(host="api.openai.com").name, Entry().name) == ("api.openai.com", "direct")


def test_a_door_does_not_print_the_credentials_that_it_keeps() -> None:
    assert "sk-canary" not in repr(Entry(credentials={"authorization": "Bearer sk-canary"}))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": "openrouter.ai"}, "openrouter.ai"),
        ({"host": "API.OpenAI.com.:443"}, "api.openai.com"),
        ({}, "api.openai.com"),
    ],
)
def test_which_intercepted_host_is_meant_is_the_requests_to_say(
    headers: dict[str, str], expected: str
) -> None:
    assert LINE.meant(headers) == expected


@pytest.mark.parametrize("host", ["", "elsewhere.example", "openrouter.ai@elsewhere.example", "127.0.0.1"])
def test_a_host_that_is_not_intercepted_is_not_to_be_had_by_way_of_one_that_is(host: str) -> None:
    with pytest.raises(Forbidden, match=r"by way of api\.openai\.com"):
        LINE.meant({"host": host})
