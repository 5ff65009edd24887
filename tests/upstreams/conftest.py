"""What an upstream is sent: the shipped catalog, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idetour.profile import Catalog, KnownModel, Manners, Model, Target
from idetour.profile.catalog import load
from idetour.upstreams import openai
from idetour.upstreams.asking import Asking
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat

type Sent = Callable[..., dict[str, Any]]  # the fixture `sent`
type Prepare = Callable[..., Outgoing]  # the fixture `outgoing`

HELLO = [{"role": "user", "content": "hello"}]
AS_THE_CATALOG_SAYS = Manners()
NIM = "nim/meta/muse-glimmer-30b"  # a model without defaults, limits and switches
NOT_SHOWN = ("model", "messages", "stream", "stream_options")  # in every body


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load(env={})


@pytest.fixture
def outgoing(catalog: Catalog) -> Prepare:
    """`outgoing(target, body)`: what goes to a target of the catalog.

    `body` is JSON or bytes; `manners` are laid over the catalog's, `knows` is what it says of the model.
    """

    def prepare(
        target: str,
        body: Any,
        *,
        model: Model | None = None,
        manners: Manners = AS_THE_CATALOG_SAYS,
        knows: KnownModel | None = None,
    ) -> Outgoing:
        at = Target.parse(target)
        upstream = catalog.upstreams[at.upstream]
        return openai.prepare(
            Asking(
                request=chat.read(body if isinstance(body, bytes) else json.dumps(body).encode()),
                target=at,
                upstream=replace(upstream, manners=manners.over(upstream.manners)),
                model=model,
                known=knows or catalog.models.get(at),
                key=None,
            )
        )

    return prepare


@pytest.fixture
def sent(outgoing: Prepare) -> Sent:
    """`sent(target, temperature=1)`: the body that goes out for this one, but for what is in every body."""

    def fields(target: str, how: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
        body = {"model": "asked", "stream": True, "messages": HELLO, **asked}
        made = json.loads(outgoing(target, body, **(how or {})).body or b"")
        return {name: value for name, value in made.items() if name not in NOT_SHOWN}

    return fields
