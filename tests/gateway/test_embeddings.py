"""Vectors from an upstream that has them, and from one that misbehaves."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.asking import pipelining
from idetour.gateway.embeddings import embed
from idetour.profile import Upstream as Place
from idetour.profile.catalog import load
from idetour.profile.read import read
from idetour.routes.asked import Asked
from idetour.routes.guess import Declined
from idetour.secret import Secret
from idetour.wire import chat
from upstream import Request, Upstream, html, reset_before_headers, status, whole

TEXTS = ["one", "two"]
GOOD = {"data": [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [1, 0.5]}], "usage": {}}


def asked(place: Place, texts: list[str] = TEXTS) -> list[list[float]]:
    async def run() -> list[list[float]]:
        async with pipelining() as shared:
            return await embed(shared.transports, place, "some/model", texts)

    return asyncio.run(run())


def place(upstream: Upstream, **how: Any) -> Place:
    return Place(name="up", title="Up", url=upstream.url, **how)


def test_vectors_come_in_the_order_of_their_texts(upstream: Upstream) -> None:
    upstream.then(whole(GOOD))

    assert asked(place(upstream, keys=(Secret("sk-1"),))) == [[1, 0.5], [0, 2]]
    [request] = upstream.requests
    assert request.path.endswith("/embeddings")
    assert request.json() == {"model": "some/model", "input": TEXTS, "encoding_format": "float"}
    assert request.header("authorization") == "Bearer sk-1"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(500), "Up answers 500 for embeddings"),
        (status(404), "Up answers 404 for embeddings"),
        (html(), "Up answers something else than embeddings"),
        (whole({"data": [{"index": 0}]}), "Up answers something else than embeddings"),
        (whole({"data": []}), "Up answers 0 vectors for 2 texts"),
        (reset_before_headers(), "Up: "),
    ],
)
def test_whatever_goes_wrong_it_declines(upstream: Upstream, answer: Any, reason: str) -> None:
    upstream.then(answer)

    with pytest.raises(Declined) as error:
        asked(place(upstream))
    assert str(error.value).startswith(reason)


def test_without_a_key_nobody_is_asked(upstream: Upstream) -> None:
    for how in ({"needs_key": True}, {"client_key": True}):
        with pytest.raises(Declined, match="Up has no key for embeddings"):
            asked(place(upstream, **how))
    assert upstream.requests == []


def test_a_profiles_model_decides_about_labels_of_ones_own(
    upstreams: Callable[..., Upstream], profile_file: Any
) -> None:
    """Through the whole pipeline: the endpoint knows that a ledger has to do with money."""

    def vectors(request: Request) -> Any:
        money = ("ledger", "invoice")
        made = [
            [1.0, 0.0] if any(word in text for word in money) else [0.0, 1.0]
            for text in request.json()["input"]
        ]
        return whole({"data": [{"index": at, "embedding": each} for at, each in enumerate(made)]})

    upstream = upstreams()
    upstream.always(vectors)
    profile = read(
        profile_file(
            f"upstreams: {{ up: {{ url: '{upstream.url}' }} }}\nembeddings: up/e\nroutes:\n  m:\n"
            "    - { when: { about: { money: [send the invoice] } }, use: demo/slow }\n    - demo/hello\n"
        ),
        catalog=load(env={}),
        env={},
    )
    body = {"model": "m", "messages": [{"role": "user", "content": "the ledger is off"}]}

    async def planned() -> list[str]:
        async with pipelining() as shared:
            question = Asked(request=chat.read(json.dumps(body).encode()))
            first = await shared.router.plan(profile, question)
            [method, *_] = shared.router.methods(profile)
            await method._learning  # type: ignore[attr-defined]
            return [first.why, (await shared.router.plan(profile, question)).why]

    assert asyncio.run(planned()) == ["route m, rule 2", "route m, rule 1"]
