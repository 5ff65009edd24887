import pytest
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import raw
from idetour.wire.responses_parts import content, result, text, texts, thoughts


def test_one_text_is_a_string_and_several_are_parts() -> None:
    assert Raw(b'"a"') == text([Raw(b'"a"')])
    assert (
        raw.encode(text([Raw(b'"a"'), Raw(b'"b"')]))
        == b'[{"type":"text","text":"a"},{"type":"text","text":"b"}]'
    )


def test_content_of_nothing_is_an_empty_string() -> None:
    assert [content(raw.NULL, "here"), content(raw.EMPTY_LIST, "here")] == [raw.EMPTY_TEXT, raw.EMPTY_TEXT]


def test_a_picture_alone_stays_a_part() -> None:
    part = Raw(b'[{"type":"input_image","image_url":"data:,"}]')

    assert raw.encode(content(part, "here")) == b'[{"type":"image_url","image_url":{"url":"data:,"}}]'


def test_a_result_of_text_parts_is_one_text() -> None:
    parts = Raw(b'[{"type":"input_text","text":"a\\n"},{"type":"input_text","text":"b"}]')

    assert (Raw(rb'"a\n\n\nb"'), []) == result(parts, "here")


@pytest.mark.parametrize("value", [b'"a"', b"7", b"{}", b'["a"]'])
def test_reasoning_of_another_shape_is_refused(value: bytes) -> None:
    with pytest.raises(BadRequest):
        thoughts(Raw(value), raw.NULL)


@pytest.mark.parametrize("said", [b"null", b"7", b"{}", b"[]"])
def test_a_text_that_is_no_string_is_refused(said: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        texts(Raw(b'[{"type":"input_text","text":%b}]' % said), "input[0].content")
    assert refused.value.param == "input[0].content[0].text"
