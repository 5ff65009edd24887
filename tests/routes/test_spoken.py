"""The user's words among the IDE's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.routes.spoken import ASKS, ENVELOPES, LONGEST, said

pieces = st.sampled_from(
    ["<", ">", "</", *(f"<{name}>" for name in ENVELOPES[:3]), "</context>", "<task>", "a", "报"]
)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("fix it", "fix it"),
        ("<system-reminder>debug</system-reminder>\nfix it", "fix it"),
        ("fix it<environment_details>\nopen: bug.py\n</environment_details>", "fix it"),
        ('<attached_files path="a.py">bug</attached_files> 重构一下', "重构一下"),
        ("<context>a</context>x<context>b</context>y", "xy"),
        ("<additional_data>bug</additional_data><user_query>\nexplain\n</user_query>", "explain"),
        ("<task>write <b>it</b></task><environment_details>z</environment_details>", "write <b>it</b>"),
        ("<contextual>stays</contextual><context>goes</context>", "<contextual>stays</contextual>"),
        ("a < b and <context> is never closed", "a < b and <context> is never closed"),
        ("<system-reminder>only this</system-reminder>", ""),
    ],
)
def test_only_the_users_words_are_left(message: str, words: str) -> None:
    assert said(message) == words


def test_of_a_long_text_both_ends_are_looked_at() -> None:
    text = said("fix this: " + "x" * 1_000_000 + " 谢谢")

    assert len(text) <= LONGEST
    assert text.startswith("fix this")
    assert text.endswith("谢谢")


def test_a_long_envelope_hides_nothing() -> None:
    assert said(f"<files>{'bug ' * 100_000}</files>explain") == "explain"


@pytest.mark.parametrize("name", [*ASKS, *ENVELOPES])
def test_a_hundred_thousand_open_tags_are_only_text(name: str) -> None:
    assert said(f"<{name}>" * 100_000).startswith(f"<{name}><{name}>")


@given(st.lists(pieces, max_size=30).map("".join))
def test_no_text_breaks_it_or_grows(text: str) -> None:
    assert len(said(text)) <= len(text)
