"""Vectors compared: learnt in the background, in time or not at all."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from idetour.routes import meaning
from idetour.routes.guess import Declined, Guess
from idetour.routes.meaning import Meaning, cosine, near

OWN = {"sql": ["join two tables", "select rows"]}


@dataclass
class Model:
    """Texts about tables point one way, all others another. Fails or sleeps on demand."""

    fails: bool = False
    seconds: float = 0.0
    batches: list[Sequence[str]] = field(default_factory=list)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.batches.append(texts)
        await asyncio.sleep(self.seconds)
        if self.fails:
            raise Declined("the model is gone")
        return [[1.0, 0.1] if "table" in text or "rows" in text else [0.0, 1.0] for text in texts]


async def guess(made: Meaning, text: str = "which tables are there") -> Guess:
    await made.ready(OWN)
    return await made.guess(text, OWN)


def test_the_label_with_the_nearest_sentences_wins() -> None:
    assert asyncio.run(guess(Meaning("m", Model().embed))).label == "sql"


def test_what_is_nearer_to_a_built_in_label_is_not_ones_own() -> None:
    assert asyncio.run(guess(Meaning("m", Model().embed), "hello")).label != "sql"


def test_the_first_request_does_not_wait_for_the_examples() -> None:
    async def twice() -> None:
        made = Meaning("m", Model().embed)
        with pytest.raises(Declined, match="m is still learning the examples"):
            await made.guess("tables", OWN)
        while made._learning and not made._learning.done():
            await asyncio.sleep(0)
        assert (await made.guess("tables", OWN)).label == "sql"

    asyncio.run(twice())


def test_examples_are_asked_for_ten_at_a_time_and_each_text_once() -> None:
    model = Model()

    async def twice() -> None:
        made = Meaning("m", model.embed)
        await guess(made)
        await guess(made)

    asyncio.run(twice())
    texts = [text for batch in model.batches for text in batch]

    assert max(map(len, model.batches)) == meaning.BATCH
    assert len(texts) == len(set(texts))


def test_a_model_that_takes_too_long_declines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "BUDGET_SECONDS", 0.01)
    model = Model()

    async def slow() -> None:
        made = Meaning("m", model.embed)
        await made.ready(OWN)
        model.seconds = 5
        with pytest.raises(Declined, match="m took more than"):
            await made.guess("tables", OWN)

    asyncio.run(slow())


def test_a_model_that_fails_three_times_is_left_alone() -> None:
    model = Model(fails=True)

    async def four_times() -> list[str]:
        made, told = Meaning("m", model.embed), []
        for _ in range(4):
            with pytest.raises(Declined) as error:
                await made.ready(OWN)
            told.append(str(error.value))
        return told

    assert asyncio.run(four_times()) == ["the model is gone"] * 3 + [
        "m failed 3 times and is left alone for a while"
    ]
    assert len(model.batches) == 3


def test_a_model_for_english_is_not_asked_in_chinese() -> None:
    model = Model()

    async def chinese() -> None:
        made = Meaning("m", model.embed, english=True)
        with pytest.raises(Declined, match="English only"):
            await made.guess("这些表", OWN)
        await made.ready({"sql": ["连接两张表", "join two tables"]})

    asyncio.run(chinese())
    assert all(text.isascii() for batch in model.batches for text in batch)


def test_cosines() -> None:
    assert cosine([1, 0], [2, 0]) == pytest.approx(1)
    assert cosine([1, 0], [0, 1]) == 0
    assert cosine([1, 0], [1, 0, 0]) == cosine([0, 0], [1, 0]) == 0
    assert near([1, 0], [[1, 0], [1, 1], [-1, 0]]) == pytest.approx((1 + math.sqrt(0.5)) / 2)
