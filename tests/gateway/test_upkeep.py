import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.asking import pipelining
from idetour.gateway import upkeep
from idetour.gateway.quirks import Quirks
from idetour.gateway.upkeep import Upkeep, in_use
from idetour.profile import Profile, Target
from idetour.profile import Upstream as Place
from idetour.profile.watch import Watched
from idetour.upstreams.quirk import Quirk
from upstream import Upstream, html, raw, raw_stream, reset_before_headers, status, until, whole


def listed(upstream: Upstream, path: Path) -> tuple[str, ...]:
    async def run() -> tuple[str, ...]:
        async with pipelining() as shared:
            place = Place(name="up", title="Up", url=upstream.url, local=True)
            return await Upkeep(Watched(path), shared).list_models(place)

    return asyncio.run(run())


@pytest.fixture
def path(profile_file: Callable[..., Path]) -> Path:
    return profile_file("models: {m: demo/hello}")


def test_the_models_of_a_local_server_are_those_it_lists(upstream: Upstream, path: Path) -> None:
    upstream.models = ["qwen3-coder:7b", "llama"]
    assert listed(upstream, path) == ("qwen3-coder:7b", "llama")


@pytest.mark.parametrize(
    "bad",
    [
        status(500),
        html("<html>"),
        whole([]),
        whole({"data": None}),
        whole({"data": [{"name": "x"}]}),
        whole({"data": "text"}),
        raw_stream(b"\xff"),
        raw(b"not HTTP at all\r\n\r\n"),
        reset_before_headers(),
    ],
)
def test_a_server_that_answers_oddly_has_none(upstream: Upstream, path: Path, bad: Any) -> None:
    upstream.always(bad, asked="/v1/models")
    assert listed(upstream, path) == ()


def test_another_idetour_is_no_local_server(upstream: Upstream, path: Path) -> None:
    upstream.always(whole({"data": [{"id": "m"}]}).saying(x_idetour_request_id="req_1"), asked="/v1/models")
    assert listed(upstream, path) == ()


def test_a_server_that_never_ends_its_list_has_none(
    upstream: Upstream, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "LIST_SECONDS", 0.1)
    upstream.always(
        whole({"data": []}).edited(lambda steps: [b" ", *steps]).stall_after(1), asked="/v1/models"
    )
    assert listed(upstream, path) == ()
    assert until(lambda: upstream.open == 0)


def test_a_list_beyond_all_measure_is_none(
    upstream: Upstream, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "LIST_BYTES", 50)
    assert listed(upstream, path) == ()


def test_what_is_in_use_is_what_models_and_routes_name_and_can_be_asked(
    profiles: Callable[..., Profile],
) -> None:
    text = """
upstreams:
  a: { url: "http://127.0.0.1:1" }
  b: { url: "http://127.0.0.1:2" }
  c: { url: "http://127.0.0.1:3", key: $NOT_THERE }
  d: { url: "http://127.0.0.1:4" }
models: { m: a/x, n: demo/hello, o: c/x }
routes: { r: [{ use: m, else: [b/y] }] }
"""
    assert {each.name for each in in_use(profiles(text))} == {"a", "b"}


def test_a_changed_profile_is_picked_up_and_told(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "PROFILE_SECONDS", 0.01)
    caplog.set_level(logging.WARNING, "idetour")

    async def run() -> set[str]:
        async with pipelining() as shared:
            keeper = Upkeep(Watched(path), shared)
            keeper._begin(keeper._watch_profile())
            path.write_text("models: {other: demo/hello, another: demo/hello}")
            while "m" in keeper.watched.current.models:
                await asyncio.sleep(0.01)
            await asyncio.wait(keeper.halt())
            return set(keeper.watched.current.models)

    assert asyncio.run(run()) == {"other", "another"}
    assert "profile read again" in caplog.text


def test_what_another_process_learns_is_known_within_a_second(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "QUIRKS_SECONDS", 0.01)
    target, learned = Target("nim", "some/model"), Quirk("drop", "seed")

    async def run() -> list[Quirk]:
        async with pipelining() as shared:
            shared.quirks = Quirks(tmp_path / "quirks.sqlite")
            keeper = Upkeep(Watched(path), shared)
            keeper._begin(keeper._watch_quirks())
            other = Quirks(tmp_path / "quirks.sqlite")
            other.learn(target, learned, why="no seed here")
            other.close()
            while not shared.quirks.rows():
                await asyncio.sleep(0.01)
            await asyncio.wait(keeper.halt())
            shared.quirks.close()
            return shared.quirks.of(target)

    assert asyncio.run(run()) == [learned]


def test_a_job_that_fails_says_so(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ZeroDivisionError("one of ours")

    async def run() -> None:
        async with pipelining() as shared:
            keeper = Upkeep(Watched(path), shared)
            keeper._begin(fails())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert keeper.halt() == set()

    asyncio.run(run())
    assert "a background job of idetour failed" in caplog.text
    assert "one of ours" in caplog.text
