"""How well `about` tells what is wanted, by each method, on requests that nothing was tuned to; and what it costs.

python tools/bench/routing.py

The requests are in tests/routes/asks.tsv. A method that is not sure declines,
and the rule does not hold: such a request counts as not right, and separately.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "addons"), str(ROOT / "tests")]

from idetour.routes import minilm, says  # noqa: E402  # found by the line above
from idetour.routes.about import brief, first  # noqa: E402
from idetour.routes.guess import Method  # noqa: E402
from idetour.routes.lexical import Lexical  # noqa: E402
from idetour.routes.meaning import Meaning  # noqa: E402
from routes.asked_for import KEYWORDS, Ask, asks  # noqa: E402

type Label = Callable[[str], Awaitable[str | None]]

LONG = 20_000  # characters


async def by_keywords(text: str) -> str | None:
    """The first of nine rules with `says`."""
    found = (label for label, words in KEYWORDS.items() if any(says.find(word, text) for word in words))
    return next(found, None)


def by(*methods: Method) -> Label:
    """What `about` does with these methods for the built-in labels."""

    async def label(text: str) -> str | None:
        guess, _ = await first(methods, brief(text), {})
        return guess.label if guess else None

    return label


async def main() -> None:
    ways: dict[str, Label] = {"keywords (says)": by_keywords, "words (built in)": by(Lexical())}
    if minilm.installed():
        model = Meaning("MiniLM", minilm.embed, english=True)
        await model.ready({})
        ways |= {"MiniLM alone": by(model), "words, then MiniLM": by(Lexical(), model)}
    print(f"{'':20}{'':>8}{'right':>8}{'wrong':>8}{'declined':>10}{'ms':>9}{'ms, long':>10}")
    for name, label in ways.items():
        for language in ("en", "zh"):
            print(f"{name:20}{language:>8}{await row(label, asks('held', language))}")


async def row(label: Label, asked: list[Ask]) -> str:
    """Shares of the requests, and the median time of one; of a long text as well."""
    found, times = [], []
    for _, text in asked:
        began = time.perf_counter()
        found.append(await label(text))
        times.append(time.perf_counter() - began)
    right = sum(got == wanted for got, (wanted, _) in zip(found, asked, strict=True)) / len(asked)
    declined = found.count(None) / len(asked)
    began = time.perf_counter()
    await label("".join(text for _, text in asked * 20)[:LONG])
    long = time.perf_counter() - began
    median = statistics.median(times)
    return f"{right:8.0%}{1 - right - declined:8.0%}{declined:10.0%}{median * 1000:9.2f}{long * 1000:10.1f}"


if __name__ == "__main__":
    asyncio.run(main())
