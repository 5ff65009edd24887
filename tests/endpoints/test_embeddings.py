"""Embeddings from the wire to the upstream and back, asked for by OpenAI's own SDK."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import openai
import pytest

from endpoints.talk import ask
from upstream import Upstream, html, status, whole

if TYPE_CHECKING:
    from conftest import Serving

VECTORS = {
    "object": "list",
    "model": "up",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}],
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}
PATH = "/v1/embeddings"


def test_the_sdk_gets_vectors_under_the_name_it_asked_for(port: int, upstream: Upstream) -> None:
    upstream.then(whole(VECTORS))
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as client:
        made = client.embeddings.create(model="m", input=["one"], dimensions=2)
    assert (made.model, made.data[0].embedding, made.usage.prompt_tokens) == ("m", [0.5, 1.0], 3)
    [request] = upstream.requests
    assert request.path == "/v1/embeddings"
    assert (request.json()["model"], request.json()["dimensions"]) == ("model", 2)


def test_a_failure_is_tried_elsewhere_and_noted(
    serving: Callable[..., "Serving"], profile_file: Any, upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(429))
    second.then(whole(VECTORS))
    text = f"""
upstreams: {{a: {{url: '{first.url}'}}, b: {{url: '{second.url}'}}}}
routes: {{vectors: [{{use: a/e, else: [b/e]}}]}}
"""
    serving_ = serving(profile_file(text))
    answer = ask(serving_.port, "POST", PATH, b'{"model":"vectors","input":"x"}')
    assert (answer.status, answer.headers["x-idetour-target"]) == (200, "b/e")
    assert answer.headers["x-idetour-attempts"] == "2"
    assert json.loads(answer.body)["data"] == VECTORS["data"]
    [record] = serving_.gateway.pipeline.recent
    assert (record.asked, record.outcome, record.usage.prompt if record.usage else 0) == ("vectors", "ok", 3)
    assert record.protocol == "embeddings"


@pytest.mark.parametrize(
    ("answer", "status_", "code"),
    [
        (status(404), 404, "model_not_found"),
        (html(), 502, "bad_upstream_response"),
        (whole({"choices": []}), 502, "upstream_empty"),
    ],
)
def test_an_error_is_told_in_openais_shape(
    port: int, upstream: Upstream, answer: Any, status_: int, code: str
) -> None:
    upstream.always(answer)
    told = ask(port, "POST", PATH, b'{"model":"m","input":"x"}')
    assert (told.status, told.code) == (status_, code)
    assert "x-idetour-request-id" in told.headers


def test_what_cannot_be_embedded_reaches_nobody(port: int, upstream: Upstream) -> None:
    told = ask(port, "POST", PATH, b'{"model":"m","input":[]}')
    assert (told.status, told.json()["error"]["param"]) == (400, "input")
    assert upstream.requests == []
