import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from idetour.wire import raw


@pytest.mark.parametrize("value", ["null", '""', "[]", "{}", "[ ]", "{\n}", "false", "0"])
def test_a_value_that_says_nothing_is_blank(value: str) -> None:
    assert raw.blank(Raw(value.encode()))


@pytest.mark.parametrize("value", ['" "', "[0]", '{"a":null}', "true", "1", '"null"', "[[]]"])
def test_a_value_that_says_something_is_not_blank(value: str) -> None:
    assert not raw.blank(Raw(value.encode()))


@pytest.mark.parametrize(("value", "has"), [('"a"', True), ('" "', True), ('""', False), ("[1]", False)])
def test_only_a_string_with_something_in_it_has_text(value: str, has: bool) -> None:
    assert raw.has_text(Raw(value.encode())) is has


def test_members_stay_the_bytes_they_were() -> None:
    fields = raw.fields(b'{"n" : 1.50, "t":"\\u00e9", "o":{ "a" : [1 ,2] }}')

    assert raw.encode(fields) == b'{"n":1.50,"t":"\\u00e9","o":{ "a" : [1 ,2] }}'


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"null", b"{", b'{"a":NaN}', b'{"a":' + 99999 * b"["])
def test_anything_but_an_object_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        raw.fields(body)


def test_items_stay_the_bytes_they_were() -> None:
    assert raw.items(b'[1.50, { "a" :1},"x"]') == [Raw(b"1.50"), Raw(b'{ "a" :1}'), Raw(b'"x"')]


@pytest.mark.parametrize("body", [b"", b"{}", b"5", b"[1", b"[" * 99999])
def test_anything_but_a_list_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        raw.items(body)


def test_a_line_holds_what_came_on_several() -> None:
    assert raw.line({"a": Raw(b'{\r\n"b": 1\n}')}) == b'{"a":{  "b": 1 }}'


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert raw.utf8("a\u2028中".encode()) == "a\u2028中".encode()
    assert raw.utf8(b"a\xff\xe4b") == "a\ufffd\ufffdb".encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb"\ud83d", rb"\ufffd"),
        (rb"\uDE00x", rb"\ufffdx"),
        (rb"\ud83d\ude00", rb"\ud83d\ude00"),
        (rb"\ud83d\ud83d\ude00\ude00", rb"\ufffd\ud83d\ude00\ufffd"),
        (rb"\\ud83d", rb"\\ud83d"),
        (rb"\\\ud83d", rb"\\\ufffd"),
        (rb"\\\\ud83d", rb"\\\\ud83d"),
    ],
)
def test_half_a_surrogate_pair_is_mended_and_nothing_else(text: bytes, expected: bytes) -> None:
    assert raw.mended(text) == expected


@given(st.text(st.sampled_from("\\u\ud83d\ude00dD8a\x7f"), max_size=12))
def test_a_masked_half_is_read_and_comes_back(text: str) -> None:
    body = json.dumps({"a": text.replace("\x7f", "")}).encode()

    assert raw.encode(raw.fields(raw.masked(body))) == body.replace(b'": "', b'":"', 1)
