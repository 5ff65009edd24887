"""Who has no word for a request is passed over, and nothing is held against it."""

import asyncio
from collections.abc import Callable

from gateway.asking import Ask, Asked, pipelining
from idetour.gateway.place import TargetState
from idetour.profile import Profile
from upstream import Upstream, status

PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
SHOWN = {"messages": [{"role": "user", "content": [PICTURE]}]}


def two(first: Upstream, second: Upstream, speaks: str = "ollama") -> str:
    """A route to both, in this order; the first speaks a protocol of its own."""
    return (
        f"upstreams: {{a: {{url: '{first.url}', speaks: {speaks}}}, b: {{url: '{second.url}'}}}}\n"
        "routes: {m: [{use: a/x, else: [b/x]}]}"
    )


def afterwards(asked: Asked) -> list[str]:
    """How each target is once the request has ended, and nothing is under way."""

    async def alone() -> list[TargetState]:
        async with pipelining() as pipeline:
            await asked.through(pipeline)
            return pipeline.health.snapshot()

    found = asyncio.run(alone())
    assert not any(each.in_flight for each in found)
    return [each.state for each in found]


def test_who_has_no_word_for_it_is_passed_over(
    profiles: Callable[..., Profile], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    asked = Asked(profiles(two(first, second)), fields=SHOWN).run()  # Ollama takes no URLs
    assert (asked.client.status, len(first.requests), len(second.requests)) == (200, 0, 1)
    assert [each.ended for each in asked.record.tried] == ["no word", "answered"]


def test_what_it_had_no_word_for_is_not_held_against_it(
    profiles: Callable[..., Profile], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    assert afterwards(Asked(profiles(two(first, second)), fields=SHOWN)) == ["healthy", "healthy"]


def test_when_nobody_has_a_word_for_it_the_client_hears_which(
    profiles: Callable[..., Profile], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    profile = profiles(two(first, second).replace("'}}", "', speaks: ollama}}", 1))
    client = Asked(profile, fields=SHOWN).run().client
    assert (client.status, client.error["param"]) == (400, "messages[0].content[0].image_url")
    assert second.requests == []


def test_who_failed_says_why_before_those_who_had_no_word(
    profiles: Callable[..., Profile], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    second.always(status(429))
    client = Asked(profiles(two(first, second)), fields=SHOWN).run().client
    assert (client.status, client.error["code"]) == (429, "rate_limit_exceeded")
    assert client.error["message"].startswith("b (b/x): upstream says 429 ")
    assert "image_url" in client.error["message"]


def test_a_blind_model_s_refusal_leads_to_another_and_rests_nobody(
    ask: Ask, upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(404, {"error": {"message": "No endpoints found that support image input"}}))
    asked = ask(first.url, second.url, fields=SHOWN)
    assert afterwards(asked) == ["healthy", "healthy"]
    assert (asked.client.status, len(first.requests), len(second.requests)) == (200, 1, 1)
