import pytest

from idetour.endpoints import entry
from idetour.endpoints.entry import Entry, Line, Tickets


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
        ({"host": ""}, None),
        ({"host": "elsewhere.example"}, None),
        ({"host": "openrouter.ai@elsewhere.example"}, None),
    ],
)
def test_which_intercepted_host_is_meant_is_the_requests_to_say(
    headers: dict[str, str], expected: str | None
) -> None:
    line = Line("api.openai.com", frozenset({"api.openai.com", "openrouter.ai"}))
    assert line.meant(headers) == expected
