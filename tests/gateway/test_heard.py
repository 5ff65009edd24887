"""The pipeline's client that keeps what it hears."""

import asyncio
import json

import pytest

from idetour.errors import NotFound, RequestError
from idetour.gateway.delivery import refuse
from idetour.gateway.heard import Heard
from idetour.gateway.record import Record
from idetour.profile import Target


def told(error: RequestError) -> tuple[Heard, Record]:
    heard, record = Heard(), Record(asked="m", door="direct")
    record.attempt(Target("up", "model"), "429")
    record.end("failed", status=error.status, error=error.message)
    asyncio.run(refuse(heard, error, record))
    return heard, record


def test_an_error_is_raised_as_it_was_told() -> None:
    error = RequestError(
        "wait", status=429, type="rate_limit_error", code="slow", headers={"retry-after": "7"}
    )
    heard, record = told(error)

    with pytest.raises(RequestError) as caught:
        heard.completion(record)
    again = caught.value
    assert (again.status, again.type, again.code, again.message) == (429, "rate_limit_error", "slow", "wait")
    assert again.headers == {
        "x-idetour-request-id": record.id,
        "x-idetour-attempts": "1",
        "retry-after": "7",
    }


def test_so_is_one_that_came_when_the_answer_had_begun() -> None:
    """A connection may have been kept alive by then."""
    heard, record = Heard(), Record(asked="m", door="direct")
    asyncio.run(heard.start(200, {"content-type": "application/json"}))
    record.end("failed", status=404, error="gone")
    asyncio.run(refuse(heard, NotFound("gone", param="model"), record))

    with pytest.raises(RequestError, match=r"^gone$") as caught:
        heard.completion(record)
    assert (caught.value.status, caught.value.param) == (404, "model")


def test_an_answer_is_what_was_written() -> None:
    heard, record = Heard(), Record(asked="m", door="direct")

    async def tell() -> None:
        await heard.start(200, {"content-type": "application/json", "x-idetour-attempts": "1"})
        await heard.write(b'{"choices"')
        await heard.write(b":[]}")
        await heard.end()

    asyncio.run(tell())
    record.end("ok")
    assert json.loads(heard.completion(record)) == {"choices": []}
    assert heard.marks == {"x-idetour-attempts": "1"}
