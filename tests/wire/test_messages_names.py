import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.wire.messages_names import LONGEST, cut, uncut, unwrap, wrap

ANY = st.text(min_size=1)
FIT = re.compile(r"[a-zA-Z0-9_-]+")


@given(ANY)
def test_an_id_fits_anthropic_and_comes_back(id: str) -> None:
    assert FIT.fullmatch(wrap(id))
    assert unwrap(wrap(id)) == id


@pytest.mark.parametrize("id", ["call_abc-1", "toolu_01A", "chatcmpl-tool-9", "0"])
def test_an_id_that_fits_stays_as_it_is(id: str) -> None:
    assert (wrap(id), unwrap(id)) == (id, id)


def test_an_id_that_looks_wrapped_comes_back_too() -> None:
    assert unwrap(wrap("toolu_as_x")) == "toolu_as_x"


def test_what_we_did_not_wrap_is_left_alone() -> None:
    assert unwrap("toolu_as_!") == "toolu_as_!"


@given(ANY)
def test_a_tools_name_fits_openai_and_comes_back(name: str) -> None:
    short = cut(name)
    assert FIT.fullmatch(short)
    assert len(short) <= LONGEST
    assert uncut([name]).get(short, short) == name


def test_long_names_that_begin_alike_stay_apart() -> None:
    names = ["x" * 100 + end for end in ("a", "b")]
    assert len({cut(name) for name in names}) == 2


def test_names_that_fit_need_no_way_back() -> None:
    assert uncut(["ls", "mcp__files__read"]) == {}
