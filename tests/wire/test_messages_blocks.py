"""Pieces of several calls and texts, mixed anyhow, become blocks one after the other."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from idetour.wire import raw
from idetour.wire.messages_blocks import Blocks, Brackets, event
from wire.messages_golden import events

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
ARGUMENTS = st.dictionaries(WORDS, WORDS | st.integers(), max_size=3).map(json.dumps)


@st.composite
def mixed(draw: st.DrawFn) -> tuple[list[str], list[tuple[int | None, str]]]:
    """The arguments of some calls, and their pieces and texts (None) in an order that keeps each call's own."""
    whole = draw(st.lists(ARGUMENTS, min_size=1, max_size=4))
    pieces: list[list[str]] = []
    for text in whole:
        cut = draw(st.integers(0, len(text)))
        pieces.append([text[:cut], text[cut:]])
    order = draw(st.permutations([number for number in range(len(whole)) for _ in (0, 1)]))
    said = [(number, pieces[number].pop(0)) for number in order]
    texts = draw(st.lists(st.tuples(st.integers(0, len(said)), WORDS), max_size=3))
    made: list[tuple[int | None, str]] = [*said]
    for place, text in texts:
        made.insert(place, (None, text))
    return whole, made


def told(said: list[tuple[int | None, str]]) -> list[dict[str, Any]]:
    blocks = Blocks(id="x", names={})

    def all_of_it() -> Iterator[bytes]:
        begun: set[int] = set()
        for number, text in said:
            if number is None:
                yield from blocks.say("text", raw.of(text))
                continue
            piece = {"index": raw.of(number), "function": raw.of({"arguments": text})}
            if number not in begun:
                begun.add(number)
                piece |= {
                    "id": raw.of(f"c{number}"),
                    "function": raw.of({"name": f"n{number}", "arguments": text}),
                }
            yield from blocks.call(piece)
        yield from blocks.close()

    return events(b"".join(all_of_it()))


@given(mixed())
def test_every_call_keeps_its_own_arguments_and_all_text_is_said(
    case: tuple[list[str], list[tuple[int | None, str]]],
) -> None:
    whole, said = case
    found: dict[str, str] = {}
    texts, last = "", ""
    for each in told(said):
        if each["type"] == "content_block_start":
            last = each["content_block"].get("name", "")
            found.setdefault(last, "")
        elif each["type"] == "content_block_delta" and last:
            found[last] += each["delta"]["partial_json"]
        elif each["type"] == "content_block_delta":
            texts += each["delta"]["text"]
    found.pop("", None)
    assert found == {f"n{number}": text for number, text in enumerate(whole)}
    assert sorted(texts) == sorted("".join(text for number, text in said if number is None))


@given(mixed())
def test_one_block_is_open_at_a_time_and_none_is_opened_again(
    case: tuple[list[str], list[tuple[int | None, str]]],
) -> None:
    kinds = [(each["type"].removeprefix("content_block_"), each["index"]) for each in told(case[1])]
    starts = [index for kind, index in kinds if kind == "start"]
    assert starts == list(range(len(starts)))
    assert [index for kind, index in kinds if kind == "stop"] == starts
    assert kinds == sorted(kinds, key=lambda each: each[1])


def test_an_answer_without_anything_has_one_empty_text() -> None:
    assert [each["type"] for each in told([])] == ["content_block_start", "content_block_stop"]


def test_an_event_is_one_line_of_data_whatever_it_holds() -> None:
    assert event("x", pretty=raw.of({}), text="a\nb").count(b"\n") == 3


@given(ARGUMENTS, st.lists(st.integers(0, 40)))
def test_an_object_is_whole_at_its_end_and_not_before(text: str, cuts: list[int]) -> None:
    brackets = Brackets()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for start, stop in pairwise(places):
        brackets.read(text[start:stop])
        assert brackets.closed == (stop == len(text))


def test_a_bracket_inside_a_text_closes_nothing() -> None:
    brackets = Brackets()
    for piece in ('{"a": "}', "\\", '"]}', '"'):
        brackets.read(piece)
        assert not brackets.closed
    brackets.read("}")
    assert brackets.closed
