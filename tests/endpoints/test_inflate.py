import gzip
import zlib

import pytest

from idetour.endpoints.inflate import BODY_LIMIT, inflated
from idetour.errors import BadRequest, TooLarge

TEXT = b'{"model": "m"}' * 50


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT, mtime=0), "gzip"),
        (gzip.compress(TEXT, mtime=0), "x-gzip"),
        (zlib.compress(TEXT), "deflate"),
    ],
)
def test_what_was_encoded_is_read(body: bytes, encoding: str) -> None:
    assert inflated(body, encoding) == TEXT


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (TEXT, "br", "unsupported_encoding"),
        (TEXT, "gzip, gzip", "unsupported_encoding"),
        (TEXT, "gzip", "bad_encoding"),
        (gzip.compress(TEXT, mtime=0)[:-12], "gzip", "bad_encoding"),
        (b"", "gzip", "bad_encoding"),
    ],
)
def test_what_was_not_is_refused(body: bytes, encoding: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        inflated(body, encoding)
    assert caught.value.code == code


@pytest.mark.parametrize("size", [2 << 20, BODY_LIMIT + 1, 200 << 20])
def test_a_bomb_is_refused(size: int) -> None:
    with pytest.raises(TooLarge):
        inflated(zlib.compress(bytes(size)), "deflate")


def test_a_small_body_may_be_as_dense_as_it_likes() -> None:
    assert len(inflated(gzip.compress(bytes(1 << 20)), "gzip")) == 1 << 20


def test_the_connection_of_a_bomb_is_closed() -> None:
    with pytest.raises(TooLarge) as caught:
        inflated(zlib.compress(bytes(2 << 20)), "deflate")
    assert caught.value.headers == {"connection": "close"}
