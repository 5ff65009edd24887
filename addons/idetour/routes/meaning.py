"""Tell what is wanted by comparing vectors of sentences: whose vectors, is not said here.

The sentences to compare with are learnt once, in the background: until then, and
whenever the model does not answer in its time, this declines, and the words decide.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from idetour.routes.guess import Declined, Examples, Guess, best
from idetour.routes.labels import LABELS
from idetour.routes.lexical import chinese
from idetour.routes.recent import Recent

log = logging.getLogger("idetour")

type Vector = Sequence[float]
type Embed = Callable[[Sequence[str]], Awaitable[Sequence[Vector]]]  # raises Declined

BUDGET_SECONDS = 0.3  # for one text; it is on the way of an answer
LEARNING_SECONDS = 30.0  # for ten sentences; nobody waits for them
BATCH = 10  # sentences in one request: what the strictest service takes
FAILURES, PAUSE_SECONDS = 3, 60.0  # after so many in a row, the model is left alone so long
KEPT = 2_000  # texts whose vectors are kept
LEAST, MARGIN = 0.15, 0.02  # cosines; measured with tools/bench/routing.py


@dataclass(slots=True)
class Meaning:
    method: str
    embed: Embed
    english: bool = False  # it knows no other language
    _learnt: dict[str, Vector] = field(default_factory=dict)  # the examples
    _heard: Recent[str, Vector] = field(default_factory=lambda: Recent(KEPT, math.inf))
    _learning: asyncio.Task[None] | None = None
    _failures: int = 0
    _paused_until: float = -math.inf

    async def guess(self, text: str, own: Examples) -> Guess:
        """The label whose two nearest sentences are nearest. Raises Declined."""
        if self.english and chinese(text):
            raise Declined(f"{self.method} knows English only")
        examples = self.examples(own)
        if missing := self._missing(examples):
            self._learn(missing)
            raise Declined(f"{self.method} is still learning the examples")
        vector = self._heard.get(text)
        if vector is None:
            [vector] = await self._vectors([text], BUDGET_SECONDS)
            self._heard.put(text, vector)
        scores = {
            label: near(vector, [self._learnt[each] for each in several])
            for label, several in examples.items()
        }
        return best(self.method, scores, least=LEAST, margin=MARGIN)

    def examples(self, own: Examples) -> dict[str, list[str]]:
        """Built-in labels too: what is no label of the user's own has to be like something else."""
        known = {name: list(label.examples) for name, label in LABELS.items()}
        for name, sentences in own.items():
            known[name] = [*known.get(name, ()), *sentences]
        if self.english:
            known = {name: [each for each in several if not chinese(each)] for name, several in known.items()}
        return {name: several for name, several in known.items() if several}

    def _missing(self, examples: Mapping[str, Sequence[str]]) -> list[str]:
        return [each for several in examples.values() for each in several if each not in self._learnt]

    async def ready(self, own: Examples) -> None:
        """Wait until the examples are learnt. For those who have the time; raises Declined."""
        await self._study(self._missing(self.examples(own)))

    def _learn(self, texts: Sequence[str]) -> None:
        if self._learning is None or self._learning.done():
            self._learning = asyncio.get_running_loop().create_task(self._studied(texts))

    async def _studied(self, texts: Sequence[str]) -> None:
        try:
            await self._study(texts)
        except Declined as error:
            log.info("%s", error)  # the next request asks again, unless the model is left alone

    async def _study(self, texts: Sequence[str]) -> None:
        for at in range(0, len(texts), BATCH):
            batch = texts[at : at + BATCH]
            self._learnt |= zip(batch, await self._vectors(batch, LEARNING_SECONDS), strict=True)

    async def _vectors(self, texts: Sequence[str], seconds: float) -> Sequence[Vector]:
        """Ask the model, unless it failed too often of late. Raises Declined."""
        now = asyncio.get_running_loop().time
        if now() < self._paused_until:
            raise Declined(f"{self.method} failed {FAILURES} times and is left alone for a while")
        try:
            async with asyncio.timeout(seconds):
                found = await self.embed(texts)
        except (Declined, TimeoutError) as error:
            self._failures += 1
            if self._failures >= FAILURES:
                self._failures, self._paused_until = 0, now() + PAUSE_SECONDS
            raise Declined(str(error) or f"{self.method} took more than {seconds:g} s") from None
        self._failures = 0
        return found


def near(vector: Vector, others: Sequence[Vector]) -> float:
    """The mean of the two highest cosines."""
    highest = sorted((cosine(vector, other) for other in others), reverse=True)[:2]
    return sum(highest) / len(highest)


def cosine(one: Vector, other: Vector) -> float:
    """0 where the two are not of one kind, or one is nothing."""
    lengths = math.hypot(*one) * math.hypot(*other)
    return math.sumprod(one, other) / lengths if lengths and len(one) == len(other) else 0.0
