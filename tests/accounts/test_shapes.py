"""Whose key it is, by its shape."""

import re

import pytest

from idetour.accounts.shapes import SHAPES, objection
from idetour.profile import Catalog
from idetour.profile.catalog import load

NIM, OPENAI = "https://integrate.api.nvidia.com/v1", "https://api.openai.com/v1"
DASHSCOPE, CODING = (
    "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "https://coding.dashscope.aliyuncs.com/v1",
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(env={})


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("nvapi-0123456789", NIM),
        ("sk-or-v1-0123456789", "https://openrouter.ai/api/v1"),
        ("sk-ant-api03-0123", "https://api.anthropic.com"),
        ("sk-proj-0123456789", OPENAI),
        ("sk-0123456789", OPENAI),
        ("sk-0123456789", DASHSCOPE),
        ("sk-sp-0123456789", CODING),
        ("AIza0123456789", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("sk-ant-api03-0123", "https://gateway.example.com/v1"),  # somebody's own gateway takes what it likes
        ("nvapi-0123456789", "http://127.0.0.1:8000/v1"),
    ],
)
def test_a_key_may_go_where_it_belongs(key: str, url: str) -> None:
    assert objection(key, url) is None


@pytest.mark.parametrize(
    ("key", "url", "said"),
    [
        ("nvapi-0123456789", DASHSCOPE, "NVIDIA's; its place is `nim`"),
        ("sk-or-v1-0123456789", OPENAI, "OpenRouter's; its place is `openrouter`"),
        ("sk-ant-api03-0123", OPENAI, "Anthropic's"),
        ("sk-proj-0123456789", NIM, "OpenAI's"),
        ("sk-sp-0123456789", DASHSCOPE, "Coding Plan's; its place is `dashscope-coding`"),
        ("sk-0123456789", CODING, "begin with sk-sp-"),
        ("AIza0123456789", OPENAI, "Google's"),
        ("gsk_0123456789", OPENAI, "Groq's"),
        ("hf_0123456789", NIM, "Hugging Face's"),
        ("LTAI0123456789", DASHSCOPE, "AccessKey"),
        ("two words", OPENAI, "without blanks"),
        ("", OPENAI, "without blanks"),
        ("ключ", OPENAI, "without blanks"),
    ],
)
def test_a_key_of_another_vendor_is_recognised(key: str, url: str, said: str) -> None:
    found = objection(key, url)
    assert found
    assert said in found
    assert key not in found or not key


def test_every_shape_names_an_upstream_that_takes_it(catalog: Catalog) -> None:
    for shape in SHAPES:
        if shape.upstream:
            assert objection(f"{shape.beginning}0123456789", catalog.upstreams[shape.upstream].url) is None


def test_no_shape_hides_behind_a_shorter_one() -> None:
    for place, shape in enumerate(SHAPES):
        earlier = [other.beginning for other in SHAPES[:place]]
        assert not any(re.match(re.escape(each), shape.beginning) for each in earlier)
