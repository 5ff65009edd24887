"""About how many tokens a request is."""

import json
from pathlib import Path

import pytest

from idetour.wire import estimate
from routes.asking import IMAGE, asks

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [("README.md", 3.2, 5.0), ("README.zh-CN.md", 2.4, 4.0), ("tests/conftest.py", 3.0, 5.0)]


@pytest.mark.parametrize(("file", "least", "most"), PAIRS)
def test_a_token_is_about_as_many_bytes_as_tokenizers_make_of_it(
    file: str, least: float, most: float
) -> None:
    text = (ROOT / file).read_text("utf-8")

    assert least <= len(text.encode()) / asks(text).tokens <= most


@pytest.mark.parametrize(
    "said", ["重构这个模块，并且补充测试。", "Привет, мир!", "한국어 です 😀 naïve “x”\n"]
)
def test_a_text_escaped_or_not_is_the_same(said: str) -> None:
    text = said * 200
    escaped = estimate.counted(memoryview(json.dumps(text).encode()))

    assert escaped == pytest.approx(
        estimate.counted(memoryview(json.dumps(text, ensure_ascii=False).encode()))
    )


def test_a_long_text_is_estimated_by_slices_of_it() -> None:
    text = "".join((ROOT / file).read_text("utf-8") for file, *_ in PAIRS)
    whole = estimate.counted(memoryview(json.dumps(text, ensure_ascii=False).encode()))
    repeated = asks(*[text] * 20).tokens

    assert repeated == pytest.approx(whole * 20, rel=0.1)


def test_no_more_than_a_part_of_a_huge_request_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = estimate.counted

    def counted(body: memoryview) -> float:
        seen.append(len(body))
        return real(body)

    monkeypatch.setattr(estimate, "counted", counted)

    assert asks("word " * 1_000_000).tokens > 500_000
    assert sum(seen) <= estimate.SLICE * estimate.SLICES


def test_a_picture_costs_the_same_whatever_its_size() -> None:
    one, two = asks({"role": "user", "content": [IMAGE]}), asks({"role": "user", "content": [IMAGE, IMAGE]})

    assert 200 < two.tokens - one.tokens < 300


def test_tools_count() -> None:
    assert asks("hi", tools=tuple(f"tool_{n}" for n in range(50))).tokens > asks("hi").tokens + 500


def test_the_shortest_request_is_more_than_nothing() -> None:
    assert 1 <= asks("").tokens < 20
