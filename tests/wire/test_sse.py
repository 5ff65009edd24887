from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.wire.sse import DONE, KEEP_ALIVE, Event, EventTooLong, Reader, comment, encode

LINE_ENDS = [b"\n", b"\r\n", b"\r"]
STREAM = (
    b"\xef\xbb\xbf: hello\n\nid: 1\nretry: 5\n\ndata: one\n\n\n\ndata:two\ndata:  2\nevent:error\n\n"
    b"event: nothing\n\ndata\n\ndata: a\xe2\x80\xa8b\xc2\x85c\x0bd\x0ce\n\nother: x\ndata: last\n\n"
)
EVENTS = [
    Event(b"one"),
    Event(b"two\n 2", b"error"),
    Event(b""),
    Event(b"a\xe2\x80\xa8b\xc2\x85c\x0bd\x0ce"),
    Event(b"last"),
]


def read(*chunks: bytes, limit: int = 1 << 20) -> list[Event]:
    reader = Reader(limit=limit)
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


def cut(text: bytes, places: list[int]) -> list[bytes]:
    return [text[a:b] for a, b in pairwise([0, *sorted(places), len(text)])]


@pytest.mark.parametrize("line_end", LINE_ENDS)
@given(places=st.lists(st.integers(0, len(STREAM) + 20)))
def test_events_are_the_same_wherever_the_bytes_are_cut(line_end: bytes, places: list[int]) -> None:
    assert read(*cut(STREAM.replace(b"\n", line_end), places)) == EVENTS


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_events_come_out_byte_by_byte(line_end: bytes) -> None:
    text = STREAM.replace(b"\n", line_end)

    assert read(*(text[i : i + 1] for i in range(len(text)))) == EVENTS


def test_an_event_comes_with_the_read_that_completes_it() -> None:
    reader = Reader()

    assert reader.feed(b"data: a\n") == []
    assert reader.feed(b"\ndata: b") == [Event(b"a")]
    assert reader.feed(b"\r\n\r") == [Event(b"b")]
    assert reader.feed(b"\n") == []


def test_a_line_feed_after_a_carriage_return_is_one_line_end_even_between_reads() -> None:
    assert read(b"data: a\r", b"\ndata: b\r", b"", b"\n\r\n") == [Event(b"a\nb")]


def test_the_last_event_needs_no_blank_line() -> None:
    assert read(b"data: a\n\ndata: b") == [Event(b"a"), Event(b"b")]
    assert read(b"data: a\n") == [Event(b"a")]


def test_only_one_space_after_the_colon_is_taken() -> None:
    assert read(b"data:  a\n\ndata:b\n\ndata:\tc\n\n") == [Event(b" a"), Event(b"b"), Event(b"\tc")]


def test_a_byte_order_mark_is_taken_only_at_the_start() -> None:
    mark = b"\xef\xbb\xbf"

    assert read(mark + b"data: a\n\n" + mark + b"data: b\n\n") == [Event(b"a")]


def test_comments_and_frames_without_data_give_no_event() -> None:
    assert read(KEEP_ALIVE, b"id: 1\n\n", b"retry: 3\n\n", b"event: ping\n\n", comment("hi\nthere")) == []


@pytest.mark.parametrize("size", [1, 3, 64])
def test_an_event_over_the_limit_is_refused_however_it_arrives(size: int) -> None:
    fits, too_long = b"data: " + 10 * b"x", b"data: " + 11 * b"x"

    def read_in_pieces(line: bytes) -> list[Event]:
        text = b"data: a\n\n" + line + b"\n\n"
        return read(*(text[i : i + size] for i in range(0, len(text), size)), limit=16)

    assert read_in_pieces(fits) == [Event(b"a"), Event(10 * b"x")]
    with pytest.raises(EventTooLong):
        read_in_pieces(too_long)


def test_events_before_one_that_is_too_long_are_not_lost() -> None:
    for text in (b"data: a\n\ndata: " + 20 * b"x", b"data: a\n\ndata: " + 20 * b"x" + b"\n\n"):
        with pytest.raises(EventTooLong) as refused:
            Reader(limit=16).feed(text)
        assert refused.value.events == [Event(b"a")]


def test_many_small_events_in_one_read_are_not_one_long_event() -> None:
    assert read(10 * b"data: abc\n\n", limit=16) == 10 * [Event(b"abc")]


@given(data=st.binary(), name=st.sampled_from([b"", b"error", b"message_start"]))
def test_what_is_encoded_is_read_back(data: bytes, name: bytes) -> None:
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    assert read(encode(data, name)) == [Event(lines, name)]


def test_done_is_the_event_that_ends_a_chat_stream() -> None:
    assert encode(b"[DONE]") == DONE
