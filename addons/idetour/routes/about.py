"""`about`: what the user wants, told by words or by meaning.

A label without examples is a built-in one: its words decide, and where they are
silent a model that knows meanings may. A label with examples is the user's own:
the likeness to these sentences decides, by the best method there is. Where
nobody is sure, the rule does not hold.
"""

from collections.abc import Sequence

from idetour.profile.conditions import LABELS
from idetour.routes.asked import Asked, Verdict
from idetour.routes.guess import Declined, Examples, Guess, Method

LONGEST = 2_000  # characters: what is wanted is said at the beginning or at the end, the middle was pasted


async def judge(said: Examples, asked: Asked, methods: Sequence[Method]) -> Verdict:
    """`methods` from the most to the least trusted for the user's own labels; the last one goes by words."""
    text = brief(asked.text)
    own = {label: sentences for label, sentences in said.items() if sentences}
    told: list[str] = [] if text else ["the user says nothing"]
    questions: list[tuple[set[str], Examples]] = [(set(said) & set(LABELS), {}), (set(own), own)]
    for labels, question in [each for each in questions if each[0] and text]:
        guess, declined = await first(methods if question else methods[::-1], text, question)
        told += [*declined, str(guess)] if guess else declined
        if guess and guess.label in labels:
            return Verdict(True, str(guess))
    return Verdict(False, "; ".join(told))


async def first(methods: Sequence[Method], text: str, own: Examples) -> tuple[Guess | None, list[str]]:
    """The first sure guess, else the last unsure one; and why methods declined."""
    guess, declined = None, []
    for method in methods:
        try:
            guess = await method.guess(text, own)
        except Declined as error:
            declined.append(str(error))
            continue
        if guess.label is not None:
            break
    return guess, declined


def brief(text: str) -> str:
    """What a person wrote, as far as one can tell: without fenced code, the two ends of a long text."""
    prose = "".join(text.split("```")[::2]).strip() or text
    half = LONGEST // 2
    return prose if len(prose) <= LONGEST else f"{prose[:half]}\n{prose[-half:]}"
