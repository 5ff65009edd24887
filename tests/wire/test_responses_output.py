"""What the golden cases of tests/golden/wire/responses/streams do not show."""

import pytest
from msgspec import Raw

from idetour.wire import raw
from idetour.wire.responses_output import TEXT, Part, Spoken, free_text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"input":"a\\nb"}', "a\nb"),
        (' {"input":"a"} ', "a"),
        ('{"input":""}', ""),
        ('{"input":7}', '{"input":7}'),
        ('{"text":"a"}', '{"text":"a"}'),
        ('{"input":"a', '{"input":"a'),
        ("[1]", "[1]"),
        ("", ""),
        ("plain", "plain"),
    ],
)
def test_free_text_is_found_in_its_arguments_or_is_all_of_them(arguments: str, expected: str) -> None:
    assert raw.of(expected) == free_text(raw.of(arguments))


def test_pieces_of_text_are_joined_without_being_decoded() -> None:
    part = Part(TEXT, said=[rb"\u4f60", "你".encode(), rb"\ud83d", rb"\ude00"])

    assert Raw(b'"\\u4f60' + "你".encode() + b'\\ud83d\\ude00"') == part.text


def test_an_item_that_says_nothing_has_no_parts() -> None:
    told: list[str] = []
    item = Spoken("rs_1", 0, lambda type, **_: told.append(type), kind="reasoning")
    item.open()
    item.close("completed")

    assert told == ["response.output_item.added", "response.output_item.done"]
    assert item.whole() == {"id": "rs_1", "type": "reasoning", "status": "completed", "summary": []}
