"""A task's token that somebody listens to, and what goes wrong meanwhile."""

import json
import threading
from typing import Any

import pytest

from compatibility.listening import ASK, asked, listen, told
from endpoints.admin.owning import own
from endpoints.talk import Line, ask, request
from matrix.voices import Speaks
from upstream import Upstream, objecting, status, stream, whole


def test_an_answer_that_breaks_is_asked_for_again_and_begins_anew(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any]
) -> None:
    speaking["openai"].then(stream("Half", " of").reset_after(3), stream("All of it"))
    with listen(port, grant) as line:
        line.event()
        answer = asked(port, "chat", grant, model="openai")
        broken, whole = told(line), told(line)

    assert answer.json()["choices"][0]["message"]["content"] == "All of it"
    assert (broken[-1]["outcome"], whole[0]["type"], whole[-1]["outcome"]) == ("broken", "begin", "ok")


def test_a_model_may_be_silent_before_its_first_word_but_not_after(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as a whole answer may be waited for."""
    monkeypatch.setattr("idetour.gateway.attempt.IDLE_SECONDS", 0.2)
    late, never = threading.Event(), threading.Event()
    speaking["openai"].then(stream("Hel", "lo").held_after(1, late), stream("Hel", "lo").held_after(2, never))
    speaking["openai"].always(status(500))
    timer = threading.Timer(0.5, late.set)
    with listen(port, grant) as line:
        line.event()
        timer.start()
        good = asked(port, "chat", grant, model="openai")
        bad = asked(port, "chat", grant, model="openai")
        ends = [told(line)[-1]["outcome"] for _ in range(2)]
    never.set()
    timer.join()

    assert (good.status, bad.status, ends) == (200, 502, ["ok", "broken"])


@pytest.mark.parametrize(
    ("says_so", "learned"),
    [
        ("Your organization must be verified to stream this model.", True),
        ("This parameter has to be off.", False),
    ],
)
def test_who_refuses_to_stream_is_asked_as_the_client_asks(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any], says_so: str, learned: bool
) -> None:
    speaking["openai"].requests.clear()
    speaking["openai"].always(objecting(lambda body: says_so if body["stream"] else None, whole("good")))
    with listen(port, grant) as line:
        line.event()
        for _ in range(2):
            assert asked(port, "chat", grant, model="openai").status == 200
            assert [each.get("text") for each in told(line)] == [None, "good", None]
    own(port, "DELETE", "/admin/api/quirks", {"target": "openai/some-model"})

    streamed = [each.json()["stream"] for each in speaking["openai"].requests]
    assert streamed == ([True, False, False] if learned else [True, False] * 2)


def test_a_request_that_is_wrong_stays_wrong(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any]
) -> None:
    speaking["openai"].always(status(400))
    with listen(port, grant) as line:
        line.event()
        assert asked(port, "chat", grant, model="openai").status == 400


def test_who_counts_no_tokens_in_a_stream_is_not_asked_for_one(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any]
) -> None:
    """The client is to hear what it cost."""
    refuses = objecting(
        lambda body: "Unsupported parameter: stream_options" if "stream_options" in body else None
    )
    speaking["openai"].requests.clear()
    speaking["openai"].always(refuses)
    with listen(port, grant) as line:
        line.event()
        used = asked(port, "chat", grant, model="openai").json()["usage"]
    own(port, "DELETE", "/admin/api/quirks", {"target": "openai/some-model"})

    assert used["total_tokens"] == 12
    assert [each.json()["stream"] for each in speaking["openai"].requests] == [True, False]


def test_a_client_that_leaves_ends_what_is_told(
    port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any]
) -> None:
    speaking["openai"].always(stream("Hel", "lo").stall_after(2))
    path, body = ASK["chat"]
    sent = json.dumps(body | {"model": "openai"}).encode()
    with listen(port, grant) as line:
        line.event()
        with Line(port) as client:
            client.send(request("POST", path, sent, authorization=f"Bearer {grant['token']}"))
            assert [line.event()[1]["type"] for _ in range(2)] == ["begin", "delta"]

        assert line.event()[1]["outcome"] == "left"


def test_embeddings_say_nothing(port: int, speaking: dict[Speaks, Upstream], grant: dict[str, Any]) -> None:
    speaking["openai"].then(
        whole({"object": "list", "data": [], "usage": {"prompt_tokens": 1, "total_tokens": 1}})
    )
    speaking["openai"].then(whole("good"))
    body = json.dumps({"model": "openai", "input": "hi"}).encode()
    with listen(port, grant) as line:
        line.event()
        assert (
            ask(port, "POST", "/v1/embeddings", body, authorization=f"Bearer {grant['token']}").status == 200
        )
        asked(port, "chat", grant, model="openai")

        assert [each.get("text") for each in told(line)] == [None, "good", None]
