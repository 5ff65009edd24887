from pathlib import Path

import pytest

from idetour.profile.problem import ProfileError
from idetour.profile.source import Scalar, Source, resolve


def source(tmp_path: Path, text: str | bytes) -> Source:
    path = tmp_path / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Source(path)


@pytest.mark.parametrize("written", ["no", "012", "12:30", "1e3", "on", "2024-01-01", "1_000", "0x1F"])
def test_a_name_stays_as_it_is_written(tmp_path: Path, written: str) -> None:
    assert source(tmp_path, f"{written}: {written}").data == {written: written}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("012", 12),
        ("-7", -7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("9" * 40, "9" * 40),
        ("'12'", "12"),
        ("~", None),
        ("null", None),
        ("''", ""),
    ],
)
def test_a_value_follows_the_core_rules_of_yaml_1_2(tmp_path: Path, written: str, value: object) -> None:
    resolved = resolve(source(tmp_path, f"a: [{written}]").data)

    assert resolved == {"a": [value]}
    assert type(resolved["a"][0]) is type(value)


def test_a_place_is_found_through_short_forms(tmp_path: Path) -> None:
    said = source(tmp_path, "models:\n  coder: nmi/x\n")

    problem = said.problem(("models", "coder", "to"), "wrong")

    assert (problem.line, problem.column) == (2, 10)


def test_merged_words_are_placed_where_they_are_written(tmp_path: Path) -> None:
    said = source(tmp_path, "a: &a\n  x: 1\nb:\n  <<: *a\n  y: 2\n")

    assert said.data["b"] == {"x": Scalar("1"), "y": Scalar("2")}
    assert said.problem(("b", "x"), "wrong").line == 2


def test_a_word_that_wins_over_a_merged_one_is_placed_at_itself(tmp_path: Path) -> None:
    said = source(tmp_path, "a: &a\n  x: 1\nb:\n  <<: *a\n  x: 2\n")

    assert said.data["b"] == {"x": Scalar("2")}
    assert said.problem(("b", "x"), "wrong").line == 5


def test_aliases_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 8)}]" for n in range(12)]

    with pytest.raises(ProfileError, match="would not fit into memory"):
        source(tmp_path, "\n".join(lines))


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert source(tmp_path, b"\xef\xbb\xbfoffer: available").data == {"offer": "available"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "the file is empty"),
        (b"a: \xff", "the file is not UTF-8 (byte 3)"),
        (b"a: b\nc: \x07", "line 2 holds a character that YAML does not allow"),
        (b'"\\UFFFFFFFF"', "an escape in a quoted text names no character"),
        (b"[" * 4000, "brackets are nested too deeply"),
        (b'a: "\\ud800"', "half a character"),
        (b"{a: b}: c", "a name has to be one word or text"),
        (b"<<: 5", "expected a mapping or list of mappings for merging"),
        (b"a: *nobody", "undefined alias"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, text: bytes, said: str) -> None:
    with pytest.raises(ProfileError) as error:
        source(tmp_path, text)

    assert said in str(error.value)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="there is no such file"):
        Source(tmp_path / "none.yaml")
    with pytest.raises(ProfileError, match="this is a folder"):
        Source(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "x: { key: a-secret-of-mine, y: 1 }",
        "x: { key: [$A, a-secret-of-mine], y: 1 }",
        "{ access: a-secret-of-mine, y: 1 }",
        "{ z: sk-a-secret-of-mine, y: 1 }",
        "{ url: https://me:a-secret-of-mine@host/v1, y: 1 }",
    ],
)
def test_a_shown_line_covers_its_keys_and_keeps_its_width(tmp_path: Path, line: str) -> None:
    shown = source(tmp_path, line).problem(("y",), "wrong").source_line

    assert "a-secret-of-mine" not in shown
    assert len(shown) == len(line)
