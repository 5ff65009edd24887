"""The description as a page."""

from idetour.described import kind, written


def test_what_is_described_is_escaped() -> None:
    operation = {
        "summary": "<b>bold</b>",
        "parameters": [{"name": "<i>", "in": "query", "schema": {"type": "string", "description": "a & b"}}],
    }
    page = written({"info": {"title": "<t>", "description": "d"}, "paths": {"/x": {"get": operation}}})

    assert "<b>bold" not in page
    assert "&lt;i&gt;" in page
    assert "a &amp; b" in page


def test_types_are_told_in_a_word_or_two() -> None:
    assert kind({"type": "integer"}) == "integer"
    assert kind({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "string"
    assert kind({"enum": ["auto", "direct"]}) == "auto | direct"
    assert kind({"const": "trae_agent"}) == "trae_agent"
