"""What an upstream is asked for embeddings."""

import json
from typing import Any

import pytest

from idetour.errors import BadRequest
from idetour.profile import Model, Target, Upstream
from idetour.secret import Secret
from idetour.upstreams import prepare
from idetour.upstreams.transport import Outgoing
from idetour.wire.embeddings import read


def outgoing(*, model: Model | None = None, **place: Any) -> Outgoing:
    body = b'{"model":"asked","input":["a"],"encoding_format":"base64","user":"u","stream":true}'
    return prepare(
        read(body),
        target=Target("up", "real"),
        upstream=Upstream(**{"name": "up", "title": "Up", "url": "https://up.test/v1"} | place),
        model=model,
        known=None,
        key=Secret("sk-test-000"),
    )


def test_the_request_goes_on_as_it_came_but_for_the_model() -> None:
    made = outgoing()
    assert (made.url, made.headers["authorization"]) == (
        "https://up.test/v1/embeddings",
        "Bearer sk-test-000",
    )
    assert json.loads(made.body or b"") == {
        "model": "real",
        "input": ["a"],
        "encoding_format": "base64",
        "user": "u",
    }


def test_a_profile_may_add_what_a_model_insists_on_and_drop_what_it_refuses() -> None:
    model = Model(
        name="m",
        target=Target("up", "real"),
        defaults={"input_type": "query"},
        drop=frozenset({"user", "encoding_format"}),
    )
    assert json.loads(outgoing(model=model).body or b"") == {
        "input_type": "query",
        "model": "real",
        "input": ["a"],
    }


def test_ollama_is_asked_beside_its_own_protocol() -> None:
    made = outgoing(speaks="ollama", url="http://127.0.0.1:11434")
    assert made.url == "http://127.0.0.1:11434/v1/embeddings"


@pytest.mark.parametrize("speaks", ["anthropic", "demo"])
def test_who_has_none_is_not_asked(speaks: str) -> None:
    with pytest.raises(BadRequest, match="up/real has no embeddings"):
        outgoing(speaks=speaks)
