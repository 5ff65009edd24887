"""`says`: words, or `/regular expressions/`, in what the user said last.

Never the system prompt, never a tool's result: they hold every word there is.
Latin words match whole; in Chinese there are no blanks to go by, so they match
anywhere. Neither minds upper and lower case.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from idetour.profile import pattern
from idetour.profile.conditions import regex
from idetour.routes.asked import Asked, Verdict
from idetour.wire.estimate import CJK

LETTER = rf"[^\W{CJK}]"  # what a Latin word is made of; a Chinese character beside it ends it


def judge(said: Sequence[str], asked: Asked) -> Verdict:
    for phrase in said:
        if (found := find(phrase, asked.text)) is not None:
            return Verdict(True, f"{found!r} is said" + (f", by {phrase}" if regex(phrase) else ""))
    return Verdict(False, "none of it is said" if asked.text else "the user says nothing")


def find(phrase: str, text: str) -> str | None:
    """The place in the text that a word or a pattern matches."""
    if (inner := regex(phrase)) is not None:
        return pattern.read(inner).search(text)
    found = words(phrase).search(text)
    return found[0] if found else None


@lru_cache(1024)
def words(phrase: str) -> re.Pattern[str]:
    """A phrase as a pattern, with a border wherever a Latin word begins or ends it, and any blanks for a blank."""
    inner = r"\s+".join(map(re.escape, phrase.split()))
    before = rf"(?<!{LETTER})" if re.match(LETTER, phrase.strip()) else ""
    after = rf"(?!{LETTER})" if re.match(LETTER, phrase.strip()[-1]) else ""
    return re.compile(f"{before}{inner}{after}", re.IGNORECASE)
