"""What is done to a body, and how a profile would say it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idetour.profile import KnownModel, Manners, Target, Upstream
from idetour.profile.read import read
from idetour.upstreams import quirk
from idetour.upstreams.quirk import Quirk, applied, apply, decides, dropped, line, taught
from idetour.upstreams.transport import Outgoing
from idetour.wire import raw

UP = Upstream(name="up", title="Up", url="https://up.test", manners=Manners(flatten=True))
CALL = {"id": "c", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}"}}


def changed(quirk: Quirk, **fields: Any) -> dict[str, Any] | None:
    """The body afterwards; None where nothing was changed."""
    members = raw.fields(json.dumps(fields).encode())
    return json.loads(raw.encode(members)) if apply(members, quirk) else None


@pytest.mark.parametrize(
    ("quirk", "before", "after"),
    [
        (Quirk("drop", "seed"), {"seed": 1, "n": 1}, {"n": 1}),
        (Quirk("drop", "seed"), {"n": 1}, None),
        (
            Quirk("drop", "thinking.display"),
            {"thinking": {"type": "x", "display": 1}},
            {"thinking": {"type": "x"}},
        ),
        (Quirk("drop", "thinking.display"), {"thinking": {"type": "display"}}, None),
        (Quirk("drop", "thinking.display"), {"thinking": True}, None),
        (Quirk("rename", "a", "b"), {"a": 1}, {"b": 1}),
        (Quirk("rename", "a", "b"), {"a": 1, "b": 2}, {"b": 2}),
        (Quirk("rename", "a", "b"), {"c": 1}, None),
        (Quirk("clamp", "n", [1, 8]), {"n": 9}, {"n": 8}),
        (Quirk("clamp", "n", [1, 8]), {"n": 0}, {"n": 1}),
        (Quirk("clamp", "n", [1, 8]), {"n": 5}, None),
        (Quirk("clamp", "n", [None, 8]), {"n": -5}, None),
        (Quirk("clamp", "n", [2, None]), {"n": 1}, {"n": 2}),
        (Quirk("set", "temperature", 1), {"temperature": 0.2}, {"temperature": 1}),
        (Quirk("set", "temperature", 1), {"top_p": 1}, None),
        (Quirk("set", "tool_choice", "auto"), {"tool_choice": "required"}, {"tool_choice": "auto"}),
        (Quirk("set", "tool_choice", "auto"), {"tool_choice": "none"}, None),
        (Quirk("set", "tool_choice", {"type": "auto"}), {"tool_choice": {"type": "none"}}, None),
        (Quirk("allow", "effort", ["low", "high"]), {"effort": "minimal"}, {}),
        (Quirk("allow", "effort", ["low", "high"]), {"effort": "low"}, None),
    ],
)
def test_a_quirk_changes_what_it_says_and_nothing_else(
    quirk: Quirk, before: dict[str, Any], after: dict[str, Any] | None
) -> None:
    assert changed(quirk, **before) == after


def test_a_member_is_taken_from_every_message_and_call() -> None:
    messages = [
        {"role": "user", "name": "bob", "content": "name"},
        {"role": "assistant", "tool_calls": [CALL, CALL]},
    ]

    without_names = changed(Quirk("drop", "messages.name"), messages=messages)
    without_index = changed(Quirk("drop", "messages.tool_calls.index"), messages=messages)

    assert without_names == {"messages": [{"role": "user", "content": "name"}, messages[1]]}
    bare = {name: value for name, value in CALL.items() if name != "index"}
    assert without_index == {"messages": [messages[0], {"role": "assistant", "tool_calls": [bare, bare]}]}


def test_a_body_that_needs_no_change_goes_out_as_it_is() -> None:
    outgoing = Outgoing(url="https://up.test", headers={}, body=b'{"n" : 1}')

    assert applied(outgoing, [Quirk("drop", "seed")]) == (outgoing, [])


@pytest.mark.parametrize(
    ("quirk", "fields", "decisive"),
    [
        (Quirk("manner", "stream", "only"), {"stream": False}, True),
        (Quirk("manner", "stream", "only"), {"stream": True}, False),
        (Quirk("manner", "stream", "never"), {"stream": True}, True),
        (Quirk("manner", "stream", "never"), {"stream": False}, False),
        (Quirk("manner", "developer", False), {"messages": [{"role": "developer"}]}, True),
        (Quirk("manner", "developer", False), {"messages": [{"role": "user"}]}, False),
        (Quirk("manner", "flatten", True), {"messages": [{"content": []}]}, True),
        (Quirk("manner", "replay", True), {"messages": []}, False),
        (Quirk("drop", "stream"), {"stream": False}, False),
    ],
)
def test_a_manner_counts_where_the_request_has_what_it_is_about(
    quirk: Quirk, fields: dict[str, Any], decisive: bool
) -> None:
    assert decides(quirk, raw.fields(json.dumps(fields).encode())) is decisive


def test_lists_in_lists_are_left_alone() -> None:
    assert changed(Quirk("drop", "messages.name"), messages=[[{"name": 1}], {"name": 1}]) == {
        "messages": [[{"name": 1}], {}]
    }


def test_learned_manners_lie_over_all_others() -> None:
    known = KnownModel(target=Target("up", "x"), title="X", manners=Manners(stream="both", developer=True))
    learned = [Quirk("manner", "stream", "only"), Quirk("drop", "seed"), Quirk("manner", "developer", False)]

    upstream, model = taught(UP, known, learned)

    assert model
    manners = model.manners.over(upstream.manners)
    assert (manners.stream, manners.developer, manners.flatten) == ("only", False, True)
    assert taught(UP, None, learned)[0].manners.stream == "only"
    assert taught(UP, known, [Quirk("drop", "seed")]) == (UP, known)


def test_paths_among_what_a_profile_drops_are_quirks() -> None:
    assert dropped(["seed", "messages.name"]) == [Quirk("drop", "messages.name")]


@pytest.mark.parametrize(
    "quirk",
    [
        Quirk("drop", "seed"),
        Quirk("drop", "stream_options"),
        Quirk("drop", "messages.name"),
        Quirk("drop", "tools.function.parameters.$schema"),
        Quirk("rename", "max_tokens", "max_completion_tokens"),
        Quirk("clamp", "max_tokens", [None, 8192]),
        Quirk("clamp", "temperature", [0, 1.99]),
        Quirk("set", "temperature", 1),
        Quirk("set", "tool_choice", "auto"),
        Quirk("manner", "stream", "only"),
        Quirk("manner", "developer", False),
        Quirk("manner", "flatten", True),
        Quirk("manner", "replay", True),
    ],
    ids=str,
)
def test_the_line_that_is_offered_is_one_that_a_profile_may_hold(
    quirk: Quirk, profile_file: Callable[..., Path]
) -> None:
    target = Target("openai", "gpt-x")
    said = line(target, quirk)
    assert said
    made = read(profile_file(said if "models:" in said else f"{said}\nmodels: {{ m: {target} }}"), env={})
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("written", "known"),
    [
        (("clamp", "n", "[1, 8]"), Quirk("clamp", "n", [1, 8])),
        (("manner", "replay", "true"), Quirk("manner", "replay", True)),
        (("manner", "of next year", "true"), None),
        (("fold", "n", "1"), None),
        (("drop", "n", "no JSON"), None),
    ],
)
def test_one_that_was_written_down_is_read_if_it_is_known(
    written: tuple[str, str, str], known: Quirk | None
) -> None:
    assert quirk.read(*written) == known


@pytest.mark.parametrize(
    "quirk", [Quirk("allow", "effort", ["low"]), Quirk("clamp", "n", [16, None])], ids=str
)
def test_where_a_profile_has_no_word_none_is_offered(quirk: Quirk) -> None:
    assert line(Target("up", "x"), quirk) is None
