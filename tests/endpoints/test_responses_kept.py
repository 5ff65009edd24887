"""Responses that are kept: conversations that go on from one, and what is not to be stored."""

from typing import Any

import openai
import pytest

from endpoints.responding import post, sent
from endpoints.talk import look
from matrix.voices import Said, says
from upstream import Upstream, reply, status


def test_a_conversation_goes_on_from_its_last_response(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.then(reply("One"), reply("Two"), reply("Three"))
    first = client.responses.create(model="m", input="1", instructions="Count.")
    with client.responses.stream(model="m", input="2", previous_response_id=first.id) as events:
        second = events.get_final_response()
    third = client.responses.create(model="m", input="3", previous_response_id=second.id)

    assert [message["content"] for message in sent(upstream)["messages"]] == ["1", "One", "2", "Two", "3"]
    assert second.id == third.previous_response_id


def test_a_response_is_kept_until_it_is_deleted(client: openai.OpenAI) -> None:
    made = client.responses.create(model="m", input="Hi")

    assert made.to_dict() == client.responses.retrieve(made.id).to_dict()
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(made.id)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_response_that_is_not_to_be_stored_is_not(port: int, streamed: bool) -> None:
    answer = post(port, store=False, stream=streamed)
    [id] = {word for word in answer.body.decode().split('"') if word.startswith("resp_")}

    assert look(port, f"/v1/responses/{id}").status == 404
    refused = post(port, previous_response_id=id)
    assert (refused.status, refused.code) == (400, "previous_response_not_found")
    assert refused.json()["error"]["param"] == "previous_response_id"


@pytest.mark.parametrize("stream", [True, False])
def test_a_conversation_goes_on_from_our_own_memory_wherever_it_is_answered(
    bilingual: tuple[int, Upstream, Upstream], stream: bool
) -> None:
    """First by one upstream that speaks Responses, then, when that fails, by one that speaks Chat."""
    port, upstream, other = bilingual
    upstream.then(says("responses", Said("Hello", thought="hm")), status(503), status(503))
    other.then(says("openai", Said("Bye")))
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as sdk:
        said: Any = {"model": "both", "stream": stream}
        first = last(sdk.responses.create(input="Hi", **said))
        second = last(sdk.responses.create(input="And?", previous_response_id=first.id, **said))
        kept = sdk.responses.retrieve(second.id)
    assert (first.output_text, second.output_text, kept.id) == ("Hello", "Bye", second.id)
    assert second.previous_response_id == first.id
    asked, again = (upstream.requests[n].json() for n in (0, 1))
    assert (asked["store"], asked["include"]) == (False, ["reasoning.encrypted_content"])
    assert [each.get("role", each["type"]) for each in again["input"]] == [
        "user",
        "reasoning",
        "assistant",
        "user",
    ]
    assert again["input"][1]["encrypted_content"] == "SEALED"
    assert "previous_response_id" not in again
    assert [turn["content"] for turn in other.requests[0].json()["messages"]] == ["Hi", "Hello", "And?"]


def last(made: Any) -> Any:
    """The response, or what the last event says of it."""
    if not hasattr(made, "__iter__") or hasattr(made, "output"):
        return made
    *_, ended = made
    return ended.response
