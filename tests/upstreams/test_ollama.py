"""What Ollama is sent, and the window that it is asked for."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idetour.profile import KnownModel, Target
from idetour.profile import Upstream as Place
from idetour.upstreams import Transports, prepare
from idetour.upstreams.foreign import Foreign
from idetour.upstreams.ollama import address, length, window
from idetour.upstreams.transport import Pool
from idetour.wire import chat
from upstream import Upstream, status, whole

UP = Place(name="ollama", title="Ollama", url="http://127.0.0.1:11434", speaks="ollama", local=True)
HI = [{"role": "user", "content": "hi"}]
SAID = {"model": "qwen3", "message": {"role": "assistant", "content": "Hello"}, "done": True}


def asked(
    place: Place, *, size: int = 0, most: int | None = None, model_id: str = "qwen3", **fields: Any
) -> bytes:
    """What comes back, as Chat. The request is about `size` tokens long."""
    messages = [{"role": "user", "content": "word " * size or "hi"}]
    body = json.dumps({"model": "asked", "messages": messages, **fields}).encode()
    target = Target("ollama", model_id)

    async def run() -> bytes:
        pool = Pool()
        try:
            known = KnownModel(target=target, title="M", context=most) if most else None
            outgoing = prepare(
                chat.read(body), target=target, upstream=place, model=None, known=known, key=None
            )
            incoming = await Transports(pool).to(place).send(outgoing)
            made = b"".join([piece async for piece in pieces(incoming)])
            incoming.close()
            return made
        finally:
            await pool.close()

    async def pieces(incoming: Any) -> Any:
        while piece := await incoming.read():
            yield piece

    return asyncio.run(run())


@pytest.fixture
def place(upstream: Upstream) -> Place:
    upstream.always(whole(SAID))
    return replace(UP, url=upstream.origin)


def loaded(upstream: Upstream, size: int) -> None:
    models = [{"name": "other:latest", "context_length": 1}, {"name": "qwen3:latest", "context_length": size}]
    upstream.always(whole({"models": models}), asked="/api/ps")


def sent(upstream: Upstream) -> Any:
    return next(each.json() for each in upstream.requests if each.method == "POST")


@pytest.mark.parametrize("url", ["http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"])
def test_the_address_is_whole_however_the_base_is_written(url: str) -> None:
    assert address(replace(UP, url=url), "chat") == "http://127.0.0.1:11434/api/chat"


def test_the_answer_is_chat(place: Place, upstream: Upstream) -> None:
    made = json.loads(asked(place))
    assert made["choices"][0]["message"]["content"] == "Hello"
    assert sent(upstream) == {"model": "qwen3", "stream": False, "messages": HI}


def test_a_small_request_leaves_the_window_to_ollama(place: Place, upstream: Upstream) -> None:
    asked(place)
    assert "options" not in sent(upstream)


@pytest.mark.parametrize(("size", "asked_for"), [(3000, 8192), (10_000, 16384), (80_000, 131072)])
def test_a_request_that_would_be_cut_off_brings_its_window(
    place: Place, upstream: Upstream, size: int, asked_for: int
) -> None:
    asked(place, size=size)
    assert sent(upstream)["options"] == {"num_ctx": asked_for}


def test_a_window_is_no_larger_than_the_model(place: Place, upstream: Upstream) -> None:
    asked(place, size=60_000, most=40_960)
    assert sent(upstream)["options"]["num_ctx"] == 40_960


@pytest.mark.parametrize(("has", "asked_for"), [(65536, 65536), (4096, 16384)])
def test_a_model_is_not_loaded_anew_for_a_smaller_window(
    place: Place, upstream: Upstream, has: int, asked_for: int
) -> None:
    loaded(upstream, has)
    asked(place, size=10_000)
    assert sent(upstream)["options"]["num_ctx"] == asked_for


def test_who_says_which_window_gets_it_and_nobody_looks(place: Place, upstream: Upstream) -> None:
    asked(place, size=10_000, num_ctx=5000)
    assert sent(upstream)["options"] == {"num_ctx": 5000}
    assert [each.method for each in upstream.requests] == ["POST"]


@pytest.mark.parametrize("answer", [status(404), whole([]), whole({"models": [{"name": "qwen3:latest"}]})])
def test_a_server_that_does_not_say_what_is_loaded_is_asked_all_the_same(
    place: Place, upstream: Upstream, answer: Any
) -> None:
    upstream.always(answer, asked="/api/ps")
    assert b"Hello" in asked(place, size=3000)
    assert sent(upstream)["options"]["num_ctx"] == 8192


@pytest.mark.parametrize(
    ("wish", "think"),
    [({}, None), ({"reasoning_effort": "none"}, False), ({"reasoning_effort": "xhigh"}, "high")],
)
def test_thinking_is_switched_in_ollamas_words(
    place: Place, upstream: Upstream, wish: Any, think: Any
) -> None:
    asked(place, **wish)
    assert sent(upstream).get("think") == think


def test_an_error_page_is_left_to_whoever_reads_all_of_them(
    upstreams: Callable[..., Upstream],
) -> None:
    upstream = upstreams()
    upstream.then(status(404, {"error": 'model "qwen3" not found'}))
    assert json.loads(asked(replace(UP, url=upstream.origin))) == {"error": 'model "qwen3" not found'}


@pytest.mark.parametrize(
    ("model", "found"),
    [("a", 1), ("a:latest", 1), ("a:7b", 2), ("hub/b/c", 3), ("d", None), ("e", None)],
)
def test_a_name_without_a_tag_is_the_latest(model: str, found: int | None) -> None:
    names = {"a:latest": 1, "a:7b": 2, "hub/b/c:latest": 3, "e:latest": 0}
    said = {"models": [{"model": name, "context_length": size} for name, size in names.items()]}
    assert length(said, model) == found


@pytest.mark.parametrize(
    ("needs", "has", "most", "size"),
    [
        (4096, None, None, None),
        (4097, None, None, 8192),
        (8193, 8192, None, 16384),
        (100, 4096, None, 4096),
        (100_000, 32768, 32768, 32768),
        (100_000, None, 32768, 32768),
    ],
)
def test_a_window_doubles_until_it_is_large_enough(
    needs: int, has: int | None, most: int | None, size: int | None
) -> None:
    assert window(needs, has, most) == size


def test_a_window_is_told_among_what_was_changed(place: Place) -> None:
    body = json.dumps({"model": "qwen3", "messages": [{"role": "user", "content": "word " * 10_000}]})
    asking = chat.read(body.encode())
    outgoing = prepare(
        asking, target=Target("ollama", "qwen3"), upstream=place, model=None, known=None, key=None
    )

    async def ready() -> None:
        pool = Pool()
        try:
            assert isinstance(outgoing, Foreign)
            await outgoing.ready(pool)
        finally:
            await pool.close()

    asyncio.run(ready())
    assert outgoing.changed == [
        "protocol chat → ollama (ollama: speaks)",
        "options.num_ctx 16384 added (ollama: window)",
    ]
