import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from idetour.errors import BadRequest
from idetour.wire import anthropic, chat, messages, raw
from wire.messages_golden import each


def body(**fields: Any) -> chat.ChatRequest:
    said = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **fields}
    return chat.read(raw.encode(said))


@each("request")
def test_a_request_becomes_the_chat_request_that_the_golden_case_has(given: str, wanted: str) -> None:
    try:
        made = json.loads(raw.encode(messages.chat_fields(raw.fields(given.encode()))[0]))
    except BadRequest as refused:
        made = refused.message
    assert made == (json.loads(wanted) if wanted.startswith("{") else wanted)


def test_what_both_protocols_have_is_read_as_chat_reads_it() -> None:
    made = messages.translate(body(stream=True), beta="context-1m")
    assert (made.model, made.stream, made.include_usage, made.beta) == ("m", True, True, "context-1m")


def test_the_body_itself_is_kept_for_an_upstream_that_speaks_messages() -> None:
    asked = body(thinking={"type": "adaptive"}, new_in_2027=[1.0])
    assert messages.translate(asked).native == asked.fields


def test_what_chat_cannot_say_is_refused_only_where_it_has_to_be_said() -> None:
    picture = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    made = messages.translate(body(messages=[{"role": "user", "content": [picture]}]))
    assert made.refusal is not None
    assert made.refusal.param == "messages[0].content[0].source.type"
    assert made.fields["messages"] == made.native["messages"]


def test_nothing_is_refused_without_a_reason() -> None:
    assert messages.translate(body()).refusal is None


TEXT = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
)
ARGUMENTS = st.one_of(
    st.dictionaries(TEXT, JSON, max_size=3).map(json.dumps),
    st.dictionaries(TEXT, JSON, max_size=3).map(
        lambda value: json.dumps(value, ensure_ascii=False, indent=1)
    ),
    TEXT.filter(lambda text: text == text.strip()),  # what is no JSON at all
)
CALLS = st.lists(st.tuples(st.sampled_from(["ls", "rm"]), ARGUMENTS, TEXT, TEXT), min_size=1, max_size=3)


def conversation(
    rounds: list[tuple[str, str | None, list[tuple[str, str, str, str]]]],
) -> list[dict[str, Any]]:
    """Rounds of a question, an answer with calls, and their results; the ids are unlike any of Anthropic's."""
    made: list[dict[str, Any]] = []
    for number, (question, said, calls) in enumerate(rounds):
        ids = [f"functions.{name}:{number}.{place}{odd}" for place, (name, _, odd, _) in enumerate(calls)]
        uses = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, (name, arguments, _, _) in zip(ids, calls, strict=True)
        ]
        made += [
            {"role": "user", "content": question},
            {"role": "assistant", "content": said, "tool_calls": uses},
        ]
        made += [
            {"role": "tool", "content": result, "tool_call_id": id}
            for id, (*_, result) in zip(ids, calls, strict=True)
        ]
    return made


@given(st.lists(st.tuples(TEXT, st.none() | TEXT, CALLS), min_size=1, max_size=3))
def test_a_conversation_comes_back_from_messages_as_it_was(
    rounds: list[tuple[str, str | None, list[tuple[str, str, str, str]]]],
) -> None:
    """Text, calls, ids, results, and the arguments byte for byte."""
    said = conversation(rounds)
    there = anthropic.write({"model": raw.of("m"), "messages": raw.of(said)})
    back, *_ = messages.chat_fields(raw.fields(raw.encode(there)))
    assert json.loads(raw.encode(back["messages"])) == said
