"""What a message consists of. Whole conversations are in test_conversation.py."""

from typing import Any

import pytest

from idetour.proxy.parts import Part, arguments, decoded, media, parts, size
from idetour.wire import raw


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, []),
        ("", []),
        ("hello", [Part("text", "hello")]),
        (
            [{"type": "output_text", "text": "a"}, {"type": "text", "text": "b"}],
            [Part("text", "a"), Part("text", "b")],
        ),
        ({"role": "assistant", "content": None, "refusal": "no"}, [Part("note", "no", "refusal")]),
        (
            {"role": "assistant", "content": "", "function_call": {"name": "ls", "arguments": "{}"}},
            [Part("call", "", "ls")],
        ),
        (
            {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "done"}]},
            [Part("result", "done", "", "call_1")],
        ),
        (
            {"type": "web_search_call", "id": "ws_1", "action": {"query": "idetour"}},
            [Part("call", "query: idetour", "web_search_call", "ws_1")],
        ),
        ({"type": "reasoning", "encrypted_content": "zz"}, [Part("thinking", "(not shown by the upstream)")]),
        ({"type": "hologram", "x": 1}, [Part("note", '{"type": "hologram", "x": 1}', "hologram")]),
        (7, [Part("text", "7")]),
    ],
)
def test_a_part_is_read_by_its_type(said: Any, expected: list[Part]) -> None:
    assert expected == list(parts(said))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 16_000}},
            "image/png 12 kB",
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            "image_url https://example.com/a.png",
        ),
        ({"type": "input_image", "image_url": "data:image/webp;base64,AAAA"}, "image/webp 3 bytes"),
        (
            {"type": "image", "source": {"media_type": "image/gif", "data": "A" * 4_000_000}},
            "image/gif 3.0 MB",
        ),
        ({"type": "input_audio", "input_audio": {"format": "wav", "data": "AAAA"}}, "wav 3 bytes"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "file file-1"),
        ({"type": "image", "source": 5}, "image"),
    ],
)
def test_what_is_attached_is_named_with_its_size(part: dict[str, Any], expected: str) -> None:
    assert expected == media(part)


def test_an_argument_of_several_lines_stands_as_it_is() -> None:
    assert arguments('{"path": "a.py", "n": [1, 2], "text": "import os\\n\\nrun()\\n"}') == (
        "path: a.py\nn: [1, 2]\ntext:\n  import os\n  \n  run()"
    )


def test_arguments_that_are_not_complete_yet_are_shown_as_they_came() -> None:
    assert arguments('{"path": "a') == '{"path": "a'


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (12_345, "12 kB"), (5_700_000, "5.7 MB")],
)
def test_a_size_is_said_for_people(count: int, expected: str) -> None:
    assert expected == size(count)


def test_nothing_is_mended_where_no_emoji_is_cut() -> None:
    with pytest.raises(ValueError, match="truncated"):
        decoded(b'{"a": 1', raw.fields)
    assert decoded(b'"\\ud83d and"') == "\ufffd and"
