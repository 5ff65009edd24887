"""The words of `when`, each with the file that knows what it means: the cheap ones first.

All words of a condition have to hold, so the order changes nothing but the time
it takes. Their types, and how mistakes in them are told, are in
`profile/conditions.py`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from idetour.routes import (
    about,
    client,
    images,
    kind,
    path,
    says,
    share,
    time,
    tokens_over,
    tokens_under,
    tools,
)
from idetour.routes.asked import Asked, Verdict
from idetour.routes.guess import Method

type Judge = Callable[[Any, Asked], Verdict]

WORDS: dict[str, Judge] = {
    "path": path.judge,
    "client": client.judge,
    "time": time.judge,
    "tools": tools.judge,
    "images": images.judge,
    "says": says.judge,
    "share": share.judge,
    "kind": kind.judge,
    "tokens_over": tokens_over.judge,
    "tokens_under": tokens_under.judge,
}
ABOUT = "about"  # comes last: it may have to ask a model
ALL = (*WORDS, ABOUT)
SIZES = frozenset({"tokens_over", "tokens_under", "images"})  # they grow while a model works


async def judged(
    when: Mapping[str, Any], asked: Asked, methods: Sequence[Method]
) -> AsyncIterator[tuple[str, Verdict]]:
    """Each word of a condition with its verdict. Raises BadRequest where the messages cannot be read."""
    for word in ALL:
        if word in when:
            said = when[word]
            yield (
                word,
                (await about.judge(said, asked, methods) if word == ABOUT else WORDS[word](said, asked)),
            )


async def holds(when: Mapping[str, Any], asked: Asked, methods: Sequence[Method]) -> bool:
    """Whether all words hold; none is looked at after the first that does not."""
    async for _, verdict in judged(when, asked, methods):
        if not verdict.holds:
            return False
    return True
