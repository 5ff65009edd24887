"""Undo a request's content encoding with a cap on size and ratio: a small bomb must not cost much memory."""

import zlib

from idetour.errors import BadRequest, TooLarge

BODY_LIMIT = 10 << 20  # bytes, inflated; what a request may hold
RATIO_LIMIT = 100  # how much larger than its compressed form it may be
RATIO_FREE = 1 << 20  # bytes below which the ratio does not matter


def inflated(body: bytes, encoding: str) -> bytes:
    """The body as it was meant. Raises TooLarge over a cap, BadRequest for what is not so encoded."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadRequest(
            f"The request is encoded as {encoding!r}. Send gzip, deflate or nothing.",
            status=415,
            code="unsupported_encoding",
        )
    cap = min(BODY_LIMIT, max(RATIO_FREE, RATIO_LIMIT * len(body)))
    try:
        stream = zlib.decompressobj(wbits=47 if "gzip" in encoding else zlib.MAX_WBITS)
        made = stream.decompress(body, cap + 1)
    except zlib.error as error:
        raise BadRequest(
            f"The request says it is {encoding} and is not: {error}.", code="bad_encoding"
        ) from error
    if len(made) > cap:
        raise too_large(f"inflates from {len(body):,} to more than {cap:,} bytes")
    if not stream.eof:
        raise BadRequest(f"The request's {encoding} data ends too early.", code="bad_encoding")
    return made


def too_large(what: str) -> TooLarge:
    """The connection is closed with it: nobody wants to read the rest."""
    return TooLarge(f"The request {what}.", headers={"connection": "close"})
