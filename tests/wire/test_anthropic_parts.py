import json
from typing import Any

import pytest
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import raw
from idetour.wire.anthropic_parts import blank, blocks

PNG = "iVBORw0="


def made(content: Any) -> Any:
    return json.loads(raw.encode(blocks(raw.of(content), "messages[0].content")))


def image(url: Any) -> list[dict[str, Any]]:
    return [{"type": "image_url", "image_url": {"url": url}}]


@pytest.mark.parametrize(
    ("url", "media"),
    [
        (f"data:image/png;base64,{PNG}", "image/png"),
        (f"DATA:image/PNG;BASE64,{PNG}", "image/png"),
        (f"data:image/jpg;base64,{PNG}", "image/jpeg"),
        (f"data:image/webp;charset=x;base64,{PNG}", "image/webp"),
    ],
)
def test_a_picture_that_came_along_is_sent_as_base64(url: str, media: str) -> None:
    assert made(image(url)) == [
        {"type": "image", "source": {"type": "base64", "media_type": media, "data": PNG}}
    ]


def test_a_picture_written_with_escaped_slashes_is_the_same() -> None:
    content = Raw(rb'[{"type":"image_url","image_url":{"url":"data:image\/png;base64,\/\/8="}}]')
    [block] = json.loads(raw.encode(blocks(content, "x")))
    assert (block["source"]["media_type"], block["source"]["data"]) == ("image/png", "//8=")


@pytest.mark.parametrize(
    "url",
    ["data:image/png", "data:,", "data:image/svg+xml;base64,x", "ftp://x/y.png", "", "sk-1234", 7, None],
)
def test_a_picture_that_anthropic_would_refuse_is_refused_with_its_place(url: object) -> None:
    with pytest.raises(BadRequest) as refused:
        made(image(url))
    assert str(refused.value.param).startswith("messages[0].content[0].image_url")


def test_a_long_picture_costs_no_regular_expression() -> None:
    [block] = made(image("data:image/png;base64," + "A" * 4_000_000))
    assert len(block["source"]["data"]) == 4_000_000


@pytest.mark.parametrize(
    ("text", "empty"), [("", True), (" \n\t\u3000", True), (" a", False), (" " * 300, False)]
)
def test_space_alone_is_nothing_to_say(text: str, empty: bool) -> None:
    assert blank(raw.of(text)) == empty


def test_a_part_that_has_no_counterpart_is_refused_with_its_place() -> None:
    with pytest.raises(BadRequest, match=r"messages\[0\].content\[1\].type"):
        made([{"type": "text", "text": "a"}, {"type": "input_audio", "input_audio": {}}])


def test_where_the_cache_ends_is_anthropics_own_word() -> None:
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    assert made([part]) == [part]
