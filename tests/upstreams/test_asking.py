"""What every request to an upstream has, whatever it speaks."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from idetour.profile import Manners, Model, Target, Upstream
from idetour.profile.read import read
from idetour.upstreams import prepare
from idetour.upstreams.asking import Asking
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat, messages

UP = Upstream(name="up", title="Up", url="https://up.test/v1")
BODY = b'{"model":"asked","messages":[{"role":"user","content":"hi"}],"stream":true}'


def test_a_request_carries_what_its_upstream_needs() -> None:
    upstream = replace(
        UP, proxy="http://127.0.0.1:7890", ca=Path("house.pem"), manners=Manners(first_byte=180)
    )
    outgoing = prepare(
        chat.read(BODY), target=Target("up", "real"), upstream=upstream, model=None, known=None, key=None
    )

    assert (outgoing.method, outgoing.proxy, outgoing.ca) == ("POST", upstream.proxy, upstream.ca)
    assert outgoing.first_byte == 180
    assert json.loads(outgoing.body or b"")["model"] == "real"


@pytest.mark.parametrize(
    ("target", "seconds"),
    [
        ("nim/openai/gpt-oss-120b", 300),
        ("ollama/x", 300),
        ("dashscope/qwen-max", 60),
        ("dashscope/qwen-plus", 300),
        ("openrouter/unknown/model", 60),
    ],
)
def test_who_thinks_or_is_slow_is_given_time(
    outgoing: Callable[..., Outgoing], target: str, seconds: float
) -> None:
    assert outgoing(target, BODY).first_byte == seconds


def test_an_answer_in_one_piece_is_waited_for_to_its_end(outgoing: Callable[..., Outgoing]) -> None:
    assert outgoing("openrouter/unknown/model", BODY.replace(b"true", b"false")).first_byte == 600


@pytest.mark.parametrize(
    ("manners", "streams"),
    [(Manners(), True), (Manners(usage=False), False), (Manners(stream="never"), False)],
)
def test_a_whole_answer_is_asked_for_as_a_stream_while_somebody_listens_if_nothing_is_lost(
    manners: Manners, streams: bool
) -> None:
    request = replace(chat.read(BODY.replace(b"true", b"false")), live=True)
    upstream = replace(UP, manners=manners)
    asking = Asking(
        request=request, target=Target("up", "x"), upstream=upstream, model=None, known=None, key=None
    )

    assert (asking.stream, asking.first_byte) == (streams, 600)


def test_a_body_in_the_upstreams_own_protocol_stays_but_for_the_model_and_what_the_profile_says() -> None:
    model = Model(
        name="m",
        target=Target("up", "real"),
        defaults={"tier": "flex", "limit": 1},
        always={"limit": 2},
        drop=frozenset({"user"}),
    )
    upstream = replace(UP, manners=Manners(drop=frozenset({"temperature", "metadata"})))
    asking = Asking(
        request=chat.read(BODY), target=model.target, upstream=upstream, model=model, known=None, key=None
    )
    body = chat.body_members(
        b'{"model":"asked","metadata":{},"temperature":1,"user":"u","new":[1.50],"limit":9}'
    )

    sent = chat.write(asking.native(body, frozenset({"temperature"})))

    assert sent == (b'{"tier":"flex","limit":2,"model":"real","metadata":{},"new":[1.50],"stream":true}')


def test_what_a_profile_says_of_one_model_holds_for_it_alone(profile_file: Callable[..., Path]) -> None:
    path = profile_file("""
        upstreams: { up: { url: "https://up.test", clamp: { temperature: [0, 2], max_tokens: [1, 9] }, stream: never } }
        models:
          m: { to: up/real, clamp: { temperature: [0, 1] }, rename: { max_tokens: limit }, stream: only, first_byte: 7 }
          other: up/real
    """)
    profile = read(path, env={})
    body = chat.read(
        b'{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":3,"max_tokens":5}'
    )

    def sent(name: str) -> tuple[object, ...]:
        model, upstream = profile.models[name], profile.upstreams["up"]
        made = prepare(body, target=model.target, upstream=upstream, model=model, known=None, key=None)
        fields = json.loads(made.body or b"")
        said = tuple(fields.get(each) for each in ("temperature", "max_tokens", "limit", "stream"))
        return *said, made.first_byte

    assert sent("m") == (1, None, 5, True, 7)
    assert sent("other") == (2, 5, None, False, 600)


MARK = {"cache_control": {"type": "ephemeral"}}


def test_marks_for_the_cache_of_a_messages_client_go_to_who_heeds_them() -> None:
    """As Claude Code sets them: after the system prompt, and after the newest result."""
    body = {
        "model": "m",
        "system": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief.", **MARK}],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "ls", "input": {}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "a", **MARK}],
            },
        ],
    }
    request = messages.translate(chat.read(json.dumps(body).encode()))

    def sent(heeds: bool | None) -> list[object]:
        upstream = replace(UP, manners=Manners(cache_control=heeds))
        target = Target("up", "real")
        made = prepare(request, target=target, upstream=upstream, model=None, known=None, key=None)
        return [each["content"] for each in json.loads(made.body or b"")["messages"]]

    def part(text: str) -> list[object]:
        return [{"type": "text", "text": text, **MARK}]

    assert sent(True) == [part("Be\n\nbrief."), "hi", None, part("a")]
    assert sent(None) == sent(False) == ["Be\n\nbrief.", "hi", None, "a"]
