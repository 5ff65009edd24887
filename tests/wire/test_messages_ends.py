from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.wire import raw
from idetour.wire.messages_ends import TO_CHAT, chat_usage, merged, stop, usage

TOKENS = st.integers(0, 10**7)


@given(TOKENS, TOKENS, TOKENS, TOKENS)
def test_each_token_is_counted_once_there_and_back(fresh: int, read: int, wrote: int, out: int) -> None:
    said = {
        "input_tokens": fresh,
        "cache_creation_input_tokens": wrote,
        "cache_read_input_tokens": read,
        "output_tokens": out,
    }
    chat = chat_usage(said)
    assert chat["prompt_tokens"] == fresh + read + wrote
    assert chat["total_tokens"] == chat["prompt_tokens"] + out
    assert usage(raw.of(chat)) == said


@given(
    st.recursive(
        st.none() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda each: (
            st.lists(each)
            | st.dictionaries(
                st.sampled_from(
                    ["prompt_tokens", "cached_tokens", "prompt_tokens_details", "completion_tokens"]
                ),
                each,
            )
        ),
    )
)
def test_whatever_an_upstream_says_no_number_is_negative(said: Any) -> None:
    assert all(number >= 0 for number in usage(raw.of(said)).values())


def test_thoughts_are_counted_as_a_part_of_the_answer() -> None:
    said = usage(raw.of({"completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 20}}))
    assert (said["output_tokens"], said["output_tokens_details"]) == (50, {"thinking_tokens": 20})
    assert chat_usage(said)["completion_tokens_details"] == {"reasoning_tokens": 20}
    assert "output_tokens_details" not in usage(raw.of({"completion_tokens": 50}))


def test_an_upstream_that_counted_nothing_leaves_the_estimate() -> None:
    assert usage(raw.NULL, estimate=11)["input_tokens"] == 11


def test_a_number_that_is_left_out_stays_what_it_was() -> None:
    before = {"input_tokens": 12, "output_tokens": 1}
    assert merged(before, raw.of({"output_tokens": 5, "input_tokens": None})) == {
        "input_tokens": 12,
        "output_tokens": 5,
    }
    assert merged(before, raw.NULL) == before


@pytest.mark.parametrize(
    ("finish", "calls", "reason"),
    [
        ("stop", False, "end_turn"),
        ("stop", True, "tool_use"),
        ("tool_calls", True, "tool_use"),
        ("tool_calls", False, "end_turn"),
        ("function_call", True, "tool_use"),
        ("length", True, "max_tokens"),
        ("content_filter", False, "refusal"),
        ("sensitive", False, "refusal"),
        ("eos", False, "end_turn"),
        (None, True, "tool_use"),
        (None, False, "end_turn"),
    ],
)
def test_why_an_answer_stopped_in_anthropics_words(finish: str | None, calls: bool, reason: str) -> None:
    assert stop(finish, calls=calls) == {"stop_reason": reason, "stop_sequence": None}


@pytest.mark.parametrize(("matched", "told"), [("END", "END"), ("other", None), (128009, None)])
def test_a_sequence_is_named_only_where_the_client_asked_for_it(matched: object, told: str | None) -> None:
    assert stop("stop", calls=False, matched=matched, stops=["END"])["stop_sequence"] == told


def test_every_reason_of_anthropics_has_a_word_in_chat() -> None:
    assert set(TO_CHAT.values()) == {"stop", "tool_calls", "length", "content_filter"}
