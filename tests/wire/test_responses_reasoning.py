import pytest
from msgspec import Raw

from idetour.wire import raw
from idetour.wire.responses_reasoning import sealed, unsealed, words


def test_what_was_sealed_comes_back_byte_for_byte() -> None:
    details = rb'[{"type":"reasoning.text","text":"\u4f60 \ud83d\ude00","signature":"c2ln"},{"data":"x"}]'

    assert details == raw.encode(unsealed(sealed(Raw(details))))


@pytest.mark.parametrize(
    "value", [b"null", b"7", b'""', b'"gAAAA"', b'"W3siYSI6MX1d"', b'"idetour-details:"', b'"idetour-details:%%"', b'"idetour-details:e30="', b'"idetour-details:W1tbWw=="']
)  # fmt: skip
def test_what_is_not_ours_is_not_opened(value: bytes) -> None:
    assert unsealed(Raw(value)) == []


def test_the_words_are_the_text_or_else_the_summary() -> None:
    details = [{"text": Raw(b'"a"')}, {"summary": Raw(b'"b"')}, {"data": Raw(b'"c"')}, {"text": Raw(b'""')}]

    assert [Raw(b'"a"'), Raw(b'"b"')] == words(details)
