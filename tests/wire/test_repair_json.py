import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.wire.repair_json import Mending, mended, readable

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text(st.characters(codec="utf-8")), values, max_size=4)


def taken(text: str, places: list[int], *, complete: bool = True) -> tuple[str, Mending]:
    mending = Mending()
    pieces = [text[a:b] for a, b in pairwise([0, *sorted(places), len(text)])]
    return "".join(map(mending.take, pieces)) + mending.end(complete=complete), mending


MENDED = {
    '{"a": 1,}': '{"a": 1}',
    '{"a": [1, 2, ],\n}': '{"a": [1, 2 ]\n}',
    '{"a": "x\ny\t\x01"}': '{"a": "x\\ny\\t\\u0001"}',
    '{"a": True, "b": [None, False]}': '{"a": true, "b": [null, false]}',
    '{"a": "True", "b": "None,}"}': '{"a": "True", "b": "None,}"}',
    '{"a": {"b": 1}': '{"a": {"b": 1}}',
    '{"a": True': '{"a": true}',
    '{"a": 1}{"a": 1}': '{"a": 1}',
    '{"a": 1,}\n{"a": 1,}': '{"a": 1}',
    "{": "{}",
    "": "{}",
}
HOPELESS = [
    '{"a": {"b": 1', '{"a": "b', '{"a": 1]', '{"a": 1}}', '{"a": 1} x', '{"a": 1}{"b": 2}', '{"a": 1,', '{"a":',
    "{'a': 1}", '{a: 1}', "[1]", '"text"', "ls -l", "7", '{"a" 1}',
]  # fmt: skip


@pytest.mark.parametrize(("text", "right"), MENDED.items())
@given(data=st.data())
def test_what_can_mean_only_one_thing_is_mended_wherever_it_is_cut(
    text: str, right: str, data: st.DataObject
) -> None:
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    told, mending = taken(text, places)

    assert told == right == mended(text)
    assert (mending.changed, mending.failed) == (text != right, False)


@pytest.mark.parametrize("text", HOPELESS)
def test_all_else_passes_as_it_came_and_is_told_of(text: str) -> None:
    told, mending = taken(text, [len(text) // 2])

    assert (told, mending.changed, mending.failed) == (text, False, True)
    assert mended(text) is None


@given(value=objects, data=st.data(), escaped=st.booleans(), indent=st.sampled_from([None, 1]))
def test_good_json_is_never_touched(
    value: object, data: st.DataObject, escaped: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    told, mending = taken(text, data.draw(st.lists(st.integers(0, len(text)), max_size=8)))

    assert (told, mending.changed, mending.failed) == (text, False, False)


@given(value=objects, data=st.data())
def test_a_comma_before_each_bracket_is_left_out(value: object, data: st.DataObject) -> None:
    text = json.dumps(value, indent=1)
    slip = text.replace("\n}", ",\n}") if text.count("\n}") == 1 and '"\\n' not in text else text
    told, _ = taken(slip, data.draw(st.lists(st.integers(0, len(slip)), max_size=8)))

    assert json.loads(told) == value


def test_only_an_object_is_readable() -> None:
    said = ("{}", '{"a":1}', "[]", "1", "{", "", "{}{}", "[" * 100_000)

    assert [readable(text) for text in said] == [True, True, *[False] * 6]


@given(st.text(st.sampled_from('{}[]",:\\\n TrueNon1a')))
def test_no_text_makes_it_fail(text: str) -> None:
    told, mending = taken(text, [len(text) // 3, len(text) // 2])

    assert mending.failed is not readable(told)


@pytest.mark.parametrize("text", ['{"a": {"b": 1}', ""])
def test_what_was_cut_off_is_not_closed(text: str) -> None:
    told, mending = taken(text, [], complete=False)

    assert (told, mending.changed, mending.failed) == (text, False, False)
