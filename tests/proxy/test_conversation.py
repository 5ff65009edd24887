"""A model exchange as people read it. What is shown is in tests/golden/conversation; the first word says of what."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.proxy.conversation import answer, request

GOLDEN = Path(__file__).parent.parent / "golden" / "conversation"
SHOW: dict[str, Callable[[bytes], str]] = {
    "request": request,
    "answer": answer,
    "stream": lambda body: answer(body, events=True),
}
LARGE = 10_000_000  # bytes
MEMBERS = (
    "model",
    "messages",
    "input",
    "choices",
    "output",
    "content",
    "tool_calls",
    "type",
    "usage",
    "error",
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["message", "function", "reasoning"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(MEMBERS) | st.text(), inner),
)


@pytest.mark.parametrize("case", sorted(GOLDEN.glob("*.txt")), ids=lambda case: case.stem)
def test_an_exchange_is_shown_as_it_reads(case: Path) -> None:
    body, _, expected = case.read_text("utf-8").partition("\n----\n")
    shown = SHOW[case.stem.partition("-")[0]](body.encode())
    assert expected.rstrip("\n") == shown


def asked(*messages: Any, **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": messages, **more}).encode()


def message(text: str, role: str = "user") -> dict[str, str]:
    return {"role": role, "content": text}


def test_what_is_old_is_folded_and_the_users_newest_words_are_not() -> None:
    long = "\n".join(f"line {number}" for number in range(50))
    work = [message("working", role) for role in ("assistant", "tool") * 5]
    shown = request(asked(message(f"old\n{long}"), message(f"new\n{long}"), *work))
    assert shown.count("line 49") == 1
    assert "… 355 more characters" in shown.partition("new")[0]


def test_of_a_very_long_conversation_the_system_prompt_and_the_newest_are_shown() -> None:
    shown = request(
        asked(message("be good", "system"), *(message(f"turn {number}") for number in range(1000)))
    )
    assert "be good" in shown
    assert "… 801 older messages are not shown" in shown
    assert "turn 999" in shown
    assert "turn 500" not in shown


@pytest.mark.parametrize(
    "body",
    [
        asked(*[message("hello " * 20)] * (LARGE // 160)),
        asked(message("hello\n" * (LARGE // 6))),
        asked({"role": "user", "content": [{"type": "text", "text": "h"}] * (LARGE // 32)}),
        asked(message("x"), tools=[{"type": "function", "function": {"name": "n"}}] * (LARGE // 50)),
        b"\xff" * LARGE,
        b"[" * LARGE,
        b'{"messages":' + b"[" * LARGE,
        b'data: {"choices":[{"delta":{"content":"hello "}}]}\n\n' * (LARGE // 53),
        b"data: {\n\n" * (LARGE // 9),
        b"data: " + b"x" * LARGE,
    ],
    ids=lambda body: body[:30].decode("ascii", "replace"),
)
@pytest.mark.parametrize("show", SHOW.values(), ids=SHOW)
def test_of_10_mb_no_more_is_shown_than_a_person_reads(show: Callable[[bytes], str], body: bytes) -> None:
    shown = show(body)
    assert len(shown) < 100_000
    assert any(word in shown for word in ("more", "not shown", "not read", ", …"))


@given(json_values)
def test_json_of_any_shape_is_shown_somehow(value: Any) -> None:
    body = json.dumps(value).encode()
    for show in SHOW.values():
        assert isinstance(show(b"data: " + body + b"\n\n"), str)
        assert isinstance(show(body), str)


@given(st.binary())
def test_bytes_of_any_kind_are_shown_somehow(body: bytes) -> None:
    for show in SHOW.values():
        assert isinstance(show(body), str)


def test_half_an_emoji_does_not_hide_the_rest() -> None:
    shown = request(
        b'{"model":"m","messages":[{"role":"user","content":"cut \\ud83d"},{"role":"user","content":"next"}]}'
    )
    assert "cut \ufffd" in shown
    assert "next" in shown


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "This is no JSON object: Input data was truncated."),
        (b"\x00\xff", "This is no JSON object: "),
        (b'{"a":1}', "This is no conversation: it has neither `messages` nor `input`."),
        (b'{"messages":' + b"[" * 5000, "This is no JSON object: "),
    ],
)
def test_what_is_no_conversation_is_called_so_and_shown_as_it_is(body: bytes, said: str) -> None:
    assert request(body).startswith(said)
