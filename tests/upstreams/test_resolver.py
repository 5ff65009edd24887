"""Which names lead to ourselves. How a request for one fails is in test_transport.py."""

import asyncio

import pytest

from idetour.upstreams.resolver import GuardedResolver, LoopError


def addresses(*intercepted: str) -> list[str]:
    """Where `localhost` leads while these names are intercepted."""

    async def resolve() -> list[str]:
        resolver = GuardedResolver(lambda: frozenset(intercepted))
        return [found["host"] for found in await resolver.resolve("localhost", 80)]

    return asyncio.run(resolve())


def test_an_intercepted_name_at_this_machine_is_refused() -> None:
    with pytest.raises(LoopError, match=r"^localhost is pointed at this machine"):
        addresses("localhost")


def test_any_other_name_is_resolved_as_ever() -> None:
    assert set(addresses("api.openai.com")) <= {"127.0.0.1", "::1"}
