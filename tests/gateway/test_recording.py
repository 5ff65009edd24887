"""Recordings as files: what is in them, and what is said of files that are none."""

import json
from typing import Any

import pytest

from idetour.errors import SetupError
from idetour.gateway.record import Record
from idetour.gateway.recording import Passed, Recording, encode, of, read, spoken
from idetour.gateway.scrub import GONE, Scrubber
from idetour.profile import Target
from idetour.secret import Secret
from idetour.wire.usage import Usage

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ANSWER = {
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "a-secret-1"}, "finish_reason": "stop"}
    ]
}
GOOD = {"idetour": "recording", "version": 1, "protocol": "chat", "body": BODY}


def passed(answer: bytes = json.dumps(ANSWER).encode(), **more: Any) -> Passed:
    body = json.dumps({**BODY, "user": "a-secret-1"}).encode()
    headers = {"user-agent": "ide/1 a-secret-1", "authorization": "Bearer x", "x-corp": "y"}
    return Passed(protocol="chat", headers=headers, body=body, answer=answer, stream=False, **more)


def ended(outcome: Any = "ok") -> Record:
    record = Record(asked="m", door="direct")
    record.answered(Target("up", "real"), stream=False)
    record.usage = Usage(prompt=9, completion=3, total=12)
    record.end(outcome, error=None if outcome == "ok" else "broke off near a-secret-1")
    return record


def test_a_recording_is_read_back_as_it_was_written() -> None:
    made = of(passed(), ended(), Scrubber([Secret("a-secret-1")]))
    (back,) = read(encode(made), "there")

    assert back == Recording(**{**{name: getattr(made, name) for name in made.__slots__}, "source": "there"})
    assert b"a-secret-1" not in encode(made)
    assert made.headers == {"user-agent": f"ide/1 {GONE}"}
    assert made.body["messages"] == BODY["messages"]
    assert (made.answer["text"], made.answer["target"]) == (GONE, "up/real")
    assert made.answer["tokens"]["prompt"] == 9
    assert made.removed == {"keys": 3}


def test_an_answer_that_broke_off_is_told_by_its_error() -> None:
    made = of(passed(b""), ended("broken"), Scrubber([Secret("a-secret-1")]))

    assert made.answer["error"] == f"broke off near {GONE}"
    assert "text" not in made.answer


def test_an_answer_of_which_not_all_was_kept_has_no_text() -> None:
    made = of(passed(b'{"choices": [{"ind'), ended(), Scrubber())

    assert made.answer["error"].startswith("This is no answer")


def test_a_bare_body_is_taken_for_what_it_looks_like() -> None:
    def protocol(body: Any) -> str:
        return read(json.dumps(body).encode(), "x")[0].protocol

    assert protocol(BODY) == "chat"
    assert protocol({**BODY, "system": "You are …"}) == "messages"
    assert protocol({"model": "m", "input": "hi"}) == "responses"


def entry(url: str, text: str, method: str = "POST", **headers: str) -> dict[str, Any]:
    pairs = [{"name": name, "value": value} for name, value in headers.items()]
    return {"request": {"method": method, "url": url, "headers": pairs, "postData": {"text": text}}}


def test_a_responses_body_that_came_by_chats_path_can_be_sent_again() -> None:
    body = {"model": "m", "input": "hi"}
    [found] = read(json.dumps(GOOD | {"body": body}).encode(), source="f")

    assert (found.protocol, found.body) == ("chat", body)


def test_of_a_har_file_the_requests_to_models_are_taken() -> None:
    entries = [
        entry("https://x.test/page", "a=1"),
        entry("https://x.test/v1/models", "", "GET"),
        entry(
            "https://x.test/api/v1/chat/completions?x=1", json.dumps(BODY), Authorization="k", originator="i"
        ),
        entry("https://x.test/v1/messages", json.dumps(BODY), **{"Anthropic-Version": "2023-06-01"}),
        {"request": {"method": "POST", "url": "https://x.test/v1/responses"}},
        None,
    ]
    found = read(json.dumps({"log": {"entries": entries}}).encode(), "f.har")

    assert [(each.protocol, each.source) for each in found] == [
        ("chat", "f.har: log.entries[2]"),
        ("messages", "f.har: log.entries[3]"),
    ]
    assert found[0].headers == {"originator": "i"}
    assert found[1].headers == {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "f is no JSON: Input data was truncated."),
        (b'{"a": }', "f is no JSON: JSON is malformed: invalid character (byte 6)."),
        (b"[1]", "f is neither a recording, nor a request's body, nor a HAR file."),
        (json.dumps({**GOOD, "version": 9}).encode(), "f: version is 9; this idetour reads 1."),
        (
            json.dumps({**GOOD, "protocol": "chats"}).encode(),
            "f: Invalid enum value 'chats' - at `$.protocol`.",
        ),
        (
            json.dumps({**GOOD, "body": []}).encode(),
            "f: Expected `object`, got `array` - at `$.body`.",
        ),
        (
            json.dumps({**GOOD, "protocol": "responses"}).encode(),
            "f: body.input is missing or empty: there is nothing to answer.",
        ),
        (
            json.dumps({"log": {"entries": [entry("https://x.test/", "")]}}).encode(),
            "f: none of its 1 requests is one to a model.",
        ),
        (
            json.dumps({"log": {"entries": [entry("https://x.test/v1/responses", "nope")]}}).encode(),
            "f: log.entries[0]: its body is no JSON object: JSON is malformed: invalid character (byte 4).",
        ),
        (b"[" * 100_000, None),
    ],
)
def test_of_a_bad_file_is_said_what_is_wrong_and_where(content: bytes, said: str | None) -> None:
    with pytest.raises(SetupError) as caught:
        read(content, "f")

    assert str(caught.value) == said or said is None


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        ("/v1/chat/completions", "chat"),
        ("/compatible-mode/v1/chat/completions/", "chat"),
        ("/openai/deployments/x/chat/completions", "chat"),
        ("/anthropic/v1/messages", "messages"),
        ("/v1/responses", "responses"),
        ("/v1/messages/count_tokens", None),
        ("/v1/embeddings", None),
    ],
)
def test_a_protocol_is_known_by_its_path(path: str, protocol: str | None) -> None:
    assert spoken(path) == protocol


def test_what_was_replaced_by_its_size_cannot_be_sent() -> None:
    assert Recording(protocol="chat", body=BODY).whole
    assert not Recording(protocol="chat", body=BODY, removed={"data": 1}).whole
