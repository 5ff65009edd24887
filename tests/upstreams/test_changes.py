"""What is told of a request that was fitted to its upstream: each change, by whom it is wanted, and nothing that people say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from idetour.profile import KnownModel, Manners, Model, Target, Thinking, Upstream
from idetour.upstreams import changes as changes_module
from idetour.upstreams import prepare
from idetour.upstreams.changes import MOST, Changes
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat, messages, raw, responses
from idetour.wire.chat import ChatRequest
from idetour.wire.responses_store import Store

TARGET = Target("up", "x")
PLAIN = Manners()
TALK = [{"role": "user", "content": "hi"}]


def told(
    *,
    model: Model | None = None,
    known: KnownModel | None = None,
    speaks: Any = "openai",
    manners: Manners = PLAIN,
    **fields: Any,
) -> list[str]:
    """What is told of a request with these fields."""
    body = {"model": "x", "messages": TALK, **fields}
    sent = outgoing(chat.read(json.dumps(body).encode()), speaks, manners, model=model, known=known)
    return sent.changed


def outgoing(request: ChatRequest, speaks: Any, manners: Manners = PLAIN, **more: Any) -> Outgoing:
    upstream = Upstream(name="up", title="Up", url="http://127.0.0.1:1", speaks=speaks, manners=manners)
    return prepare(
        request, target=TARGET, upstream=upstream, **{"model": None, "known": None, **more}, key=None
    )


def test_nothing_is_told_where_nothing_was_changed() -> None:
    assert told(temperature=1, stream=True, stream_options={"include_usage": True}, stop=["."]) == []


def test_the_upstreams_manners_are_named_by_their_words() -> None:
    manners = Manners(
        accepts=frozenset({"messages", "model", "max_tokens", "temperature"}),
        drop=frozenset({"store"}),
        rename={"max_completion_tokens": "max_tokens"},
        clamp={"temperature": (0, 1)},
    )
    assert told(
        manners=manners, max_completion_tokens=9, temperature=1.8, store=True, parallel_tool_calls=False
    ) == [
        "store dropped (up: drop)",
        "parallel_tool_calls dropped (up: accepts)",
        "max_completion_tokens → max_tokens (up: rename)",
        "temperature 1.8 → 1 (up: clamp)",
    ]


def test_manners_of_one_model_are_named_with_it() -> None:
    manners = Manners(rename={"seed": "random_seed"}, clamp={"temperature": (0, 1), "top_p": (0, 0.9)})
    own = Manners(rename={"stop": "stops"}, clamp={"top_p": (0, 0.5)}, developer=False)
    model = Model(name="coder", target=TARGET, manners=own)
    messages = [{"role": "developer", "content": "hi"}]

    assert told(
        manners=manners, model=model, temperature=2, top_p=1, seed=3, stop="x", messages=messages
    ) == [
        "seed → random_seed (up: rename)",
        "stop → stops (coder: rename)",
        "temperature 2 → 1 (up: clamp)",
        "top_p 1 → 0.5 (coder: clamp)",
        "messages rewritten (coder: developer)",
    ]


def test_the_profiles_words_are_named_with_its_model() -> None:
    model = Model(
        name="coder",
        target=TARGET,
        defaults={"temperature": 0.7},
        always={"seed": 5},
        drop=frozenset({"top_p"}),
    )
    assert told(model=model, seed=3, top_p=0.5) == [
        "temperature 0.7 added (coder: with)",
        "seed 3 → 5 (coder: always)",
        "top_p dropped (coder: drop)",
    ]


def test_what_the_catalog_knows_of_a_model_is_named_so() -> None:
    switch = Thinking(efforts={"high": {"chat_template_kwargs": {"thinking": True}}})
    known = KnownModel(target=TARGET, title="X", output=4096, defaults={"top_p": 0.9}, thinking=switch)
    assert told(known=known, reasoning_effort="high", max_tokens=9999) == [
        'chat_template_kwargs {"thinking":true} added (catalog: thinking)',
        "reasoning_effort dropped (catalog: thinking)",
        "top_p 0.9 added (catalog: with)",
        "max_tokens 9999 → 4096 (catalog: output)",
    ]


def test_another_name_of_the_model_is_told_and_how_it_is_asked() -> None:
    manners = Manners(stream="never")
    assert told(manners=manners, stream=True) == ["stream true → false (up: stream)"]
    request = chat.read(json.dumps({"model": "gpt-4o", "messages": TALK, "stream": True}).encode())
    assert outgoing(request, "openai").changed == ["model gpt-4o → x", "stream_options added (up: usage)"]


def test_messages_are_rewritten_for_a_reason_or_not_at_all() -> None:
    manners = Manners(developer=False, flatten=True, strict_history=True)
    assert told(manners=manners) == []
    parts = [{"type": "text", "text": "a secret plan"}]
    changed = told(manners=manners, messages=[{"role": "developer", "content": parts}, *TALK])
    assert changed == ["messages rewritten (up: developer, up: flatten)"]


@pytest.mark.parametrize("name", ["user", "metadata", "prompt_cache_key", "safety_identifier", "x_key"])
def test_what_people_say_is_never_told(name: str) -> None:
    model = Model(name="coder", target=TARGET, always={name: "canary-1"})
    said: dict[str, Any] = {name: "canary-2"}
    heard = " ".join([*told(model=model, **said), *told(model=model)])
    assert heard == f"{name} rewritten (coder: always) {name} added (coder: always)"


def test_a_number_that_stands_for_a_user_is_not_told_either() -> None:
    assert told(model=Model(name="m", target=TARGET, always={"user": 7}), user=5) == [
        "user rewritten (m: always)"
    ]


def test_names_and_values_that_a_client_makes_up_cannot_drive_a_terminal_or_fill_a_disk() -> None:
    names: dict[str, Any] = {"\x1b[31m\n" + "a" * 1000: 1, **{f"f{n}": 1 for n in range(900)}}
    changed = told(manners=Manners(accepts=frozenset({"model", "messages"})), **names)
    assert (len(changed), changed[-1]) == (MOST + 1, "…")
    assert all(each.isprintable() and len(each) < 200 for each in changed)
    asked = told(model=Model(name="m", target=TARGET, always={"verbosity": "low"}), verbosity="\x1b[31m")
    assert asked == ["verbosity rewritten (m: always)"]


def test_a_key_in_the_wrong_place_is_not_told() -> None:
    key = "sk-canary-0123456789"
    model = Model(name="m", target=TARGET, always={"reasoning_effort": "low"})
    assert told(model=model, reasoning_effort=key) == ["reasoning_effort rewritten (m: always)"]
    field: dict[str, Any] = {key: 1}
    accepting = Manners(accepts=frozenset({"model", "messages"}))
    assert told(manners=accepting, **field) == ["a field dropped (up: accepts)"]


def test_one_value_in_another_notation_is_no_change() -> None:
    changes = Changes("up")
    changes.begin({"stop": raw.of(["a"])})
    changes.note({"stop": raw.of(["a"])}, "")
    assert changes.told == []


def test_a_chat_request_as_messages_tells_of_the_protocol_and_of_what_has_no_word_there() -> None:
    changed = told(speaks="anthropic", temperature=1.8, seed=1, stop=["x"], user="bob")
    assert changed == [
        "protocol chat → messages (up: speaks)",
        "max_tokens 8192 added (up: speaks)",
        "temperature 1.8 → 1 (up: speaks)",
        "seed dropped (up: speaks)",
    ]


def test_a_chat_request_as_responses_tells_likewise() -> None:
    changed = told(speaks="responses", max_tokens=100, frequency_penalty=1, verbosity="low")
    assert changed == [
        "protocol chat → responses (up: speaks)",
        "max_tokens → max_output_tokens (up: speaks)",
        "store false added (up: speaks)",
        "frequency_penalty dropped (up: speaks)",
    ]


def test_a_chat_request_for_ollama_tells_what_goes() -> None:
    changed = told(speaks="ollama", store=True, top_p=0.1, max_tokens=9)
    assert changed == ["protocol chat → ollama (up: speaks)", "store dropped (up: speaks)"]


def test_a_messages_request_tells_of_both_ways() -> None:
    body = {"model": "x", "max_tokens": 9, "messages": TALK, "system": "s", "service_tier": "auto"}
    request = messages.translate(chat.read(json.dumps(body).encode()))
    assert outgoing(request, "openai").changed == [
        "service_tier dropped (chat: speaks)",
        "protocol messages → chat (up: speaks)",
    ]
    assert outgoing(request, "anthropic").changed == []


def test_a_responses_request_tells_what_idetour_keeps_itself() -> None:
    body = {"model": "x", "input": "hi", "store": True, "truncation": "auto"}
    request = responses.read(json.dumps(body).encode(), Store()).chat
    assert outgoing(request, "responses").changed == [
        "store true → false (idetour: store)",
        "include added (idetour: store)",
    ]
    assert "truncation dropped (chat: speaks)" in outgoing(request, "openai").changed


def test_to_note_a_step_that_changes_nothing_looks_at_no_value() -> None:
    changes = Changes()
    fields = {"messages": raw.of("x" * 1000)}
    changes.begin(fields)
    changes.note(dict(fields), lambda name: pytest.fail("nothing was changed"))
    assert changes.told == []


def test_the_dashboard_has_words_for_each_reason() -> None:
    package = Path(changes_module.__file__).parent
    sources = "".join(path.read_text() for path in package.glob("*.py"))
    said = set(re.findall(r'f?"(?:\{[\w.]+\}|catalog|idetour): ([a-z_]+)"', sources)) | {
        "accepts",
        "drop",
        "login",
    }
    said |= set(re.findall(r'whose(?:\(|, )"([a-z_]+)"', sources))
    said |= set(re.findall(r'made\["([a-z_]+)"\] = (?:each|history)', sources))
    page = (package.parent / "dashboard" / "words.js").read_text()
    assert said >= {"with", "always", "clamp", "thinking", "speaks", "store"}
    assert {word for word in said if f"  why_{word}: [" not in page} == set()
