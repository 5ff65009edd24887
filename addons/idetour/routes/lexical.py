"""Tell what is wanted by the words alone: no model, no dependency, a tenth of a millisecond.

For the built-in labels, words speak with their weights (`labels.py`). For labels
of the user's own, sentences are compared by the words and the pieces of words
that they share. Knows English and Chinese; says nothing where it is not sure.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from idetour.routes.guess import Examples, Guess, best
from idetour.routes.labels import LABELS
from idetour.wire.estimate import CJK

LEAST, MARGIN = 1.5, 0.5  # weights: of a lone word that is worth something, and of a lone word that is not
LIKE, MORE_LIKE = 0.25, 0.03  # the same for sentences that are compared
BUCKETS = 1 << 16  # for pieces of words
type Vector = Mapping[int, float]

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LATIN = re.compile(rf"(?:(?![{CJK}])[^\W_])+(?:\+\+|#)?")  # c++, c#
_CHINESE = re.compile(rf"[{CJK}]+")


class Lexical:
    """The method that is always there, and always answers."""

    async def guess(self, text: str, own: Examples) -> Guess:
        if not own:
            return best("words", scores(text), least=LEAST, margin=MARGIN)
        known: Examples = {**{name: label.examples for name, label in LABELS.items()}, **own}
        likeness = {label: like(text, sentences) for label, sentences in known.items()}
        return best("likeness", likeness, least=LIKE, margin=MORE_LIKE)


def like(text: str, sentences: Iterable[str]) -> float:
    """How like a text is to the sentence that it is most like."""
    return max(similar(vector(text), vector(each)) for each in sentences)


def chinese(text: str) -> bool:
    return bool(_CHINESE.search(text))


def scores(text: str) -> dict[str, float]:
    """For each built-in label the weight of its words in a text, each word once."""
    latin, characters = normal(text)
    return {
        name: sum(weight for word, weight in words if word in (latin if word[0] == " " else characters))
        for name, words in vocabulary().items()
    }


@lru_cache(1)
def vocabulary() -> dict[str, tuple[tuple[str, float], ...]]:
    """For each label its words and their weights. Latin ones begin with a blank, and end with one unless any ending will do."""
    return {
        name: tuple(
            (searched(word.strip()), weight)
            for weight, words in label.words.items()
            for word in words.split(",")
            if word.strip()
        )
        for name, label in LABELS.items()
    }


def searched(word: str) -> str:
    if _CHINESE.match(word):
        return word
    return f" {word[:-1]}" if word.endswith("*") else f" {word} "


def normal(text: str) -> tuple[str, str]:
    """A text's Latin words in lower case with one blank around each, and its Chinese characters."""
    words = _LATIN.findall(text)
    parts = [part for word in words for part in _CAMEL.split(word)]  # a KeyError is an error
    spaced = [*words, "|", *parts] if len(parts) > len(words) else words
    return f" {' '.join(spaced).lower()} ", "|".join(_CHINESE.findall(text))


@lru_cache(512)
def vector(text: str) -> Vector:
    """The words, their trigrams and the pairs of Chinese characters of a text, hashed, of length 1."""
    latin, characters = normal(text)
    counts: Counter[int] = Counter()
    for feature in features(latin.split(), characters):
        counts[hashed(feature)] += 1
    length = math.sqrt(sum(count * count for count in counts.values()))
    return {bucket: count / length for bucket, count in counts.items()}


def features(words: Iterable[str], characters: str) -> Iterator[str]:
    for word in words:
        yield word
        yield from (f"#{word}#"[at : at + 3] for at in range(len(word)))
    yield from (characters[at : at + 2] for at in range(len(characters) - 1))


def hashed(feature: str) -> int:
    """The same on every machine, unlike `hash` (FNV-1a)."""
    value = 0x811C9DC5
    for byte in feature.encode("utf-8", "replace"):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value % BUCKETS


def similar(one: Vector, other: Vector) -> float:
    """From 0, nothing in common, to 1, the same words."""
    few, many = sorted((one, other), key=len)
    return sum(value * many.get(bucket, 0.0) for bucket, value in few.items())
