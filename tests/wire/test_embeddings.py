import json
from typing import Any

import pytest

from idetour.errors import BadRequest, UpstreamError
from idetour.wire import completion
from idetour.wire.embeddings import answer, read
from idetour.wire.embeddings import completion as inside

VECTORS = {"object": "list", "data": [{"index": 0, "embedding": "AAAA"}], "usage": {"prompt_tokens": 3}}


@pytest.mark.parametrize("given", ["text", ["one", "two"], [1, 2], [[1, 2], [3]]])
def test_every_form_of_input_goes_on_as_it_came(given: Any) -> None:
    body = json.dumps({"model": "m", "input": given, "dimensions": 7}).encode()
    request = read(body)
    assert (request.model, request.stream) == ("m", False)
    assert {name: json.loads(bytes(value)) for name, value in request.native.items()} == json.loads(body)


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({"model": "m"}, "input", "is missing: it must be a string, a list of strings"),
        ({"model": "m", "input": None}, "input", "is missing"),
        ({"model": "m", "input": {}}, "input", "must be a string"),
        ({"model": "m", "input": [{}]}, "input", "must be a string"),
        ({"model": "m", "input": ""}, "input", "is empty"),
        ({"model": "m", "input": []}, "input", "is empty"),
        ({"input": "x"}, "model", "is missing"),
        ({"model": "", "input": "x"}, "model", "is empty"),
    ],
)
def test_what_cannot_be_embedded_is_refused_with_its_place(body: Any, param: str, said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(json.dumps(body).encode())
    assert refused.value.param == param
    assert said in refused.value.message


def test_an_answer_goes_through_the_gateway_unchanged_but_for_the_model() -> None:
    """The gateway sees a completion with a usage; who asked sees the upstream's own answer."""
    body = json.dumps(VECTORS | {"model": "up", "new_in_2027": 1.50}).encode()
    passed, usage, error = completion.restamp(inside(body), "asked")
    assert (error, usage.prompt if usage else 0) == (None, 3)
    assert json.loads(answer(passed, model="asked")) == json.loads(body) | {"model": "asked"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":{"message":"no"}}', b'{"data":{}}'])
def test_what_is_no_answer_is_left_for_who_looks_for_errors(body: bytes) -> None:
    assert inside(body) == body


def test_a_completion_is_no_embeddings() -> None:
    with pytest.raises(UpstreamError, match="no embeddings"):
        answer(b'{"choices":[],"message":"hello"}', model="m")
