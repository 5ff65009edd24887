"""`routing_rules`: a request's own word on who answers it, for `/api/chat`.

They come from outside, so they get little: a text is looked for, and a regular
expression has to be one that cannot take long, whatever the text.
"""

import msgspec
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.profile import pattern
from idetour.profile.conditions import regex
from idetour.wire import raw
from idetour.wire.chat import LONGEST_NAME

MOST_RULES = 20
LONGEST = 200  # characters of a pattern
ENDS = 250  # characters at each end of the user's text that a regular expression sees
MOST_STEPS = 2_000_000  # that all of a request's may take together: some 20 ms where everything is against us


class Rule(msgspec.Struct, frozen=True):
    """`pattern` is looked for in what the user said last, `/…/` as a regular expression; `model` answers then."""

    pattern: str
    model: str


def read_rules(said: Raw) -> list[Rule]:
    """Raises BadRequest: a request may not make us work for long."""
    try:
        rules = msgspec.json.decode(raw.mended(bytes(said)), type=list[Rule])
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            f"`routing_rules` are a list of {{pattern, model}}: {error}.", param="routing_rules"
        ) from None
    if len(rules) > MOST_RULES:
        raise BadRequest(
            f"`routing_rules` has {len(rules)} rules; {MOST_RULES} are taken.", param="routing_rules"
        )
    steps = 0.0
    for place, rule in enumerate(rules):
        where = f"routing_rules[{place}]"
        if not rule.pattern.strip() or len(rule.pattern) > LONGEST:
            raise BadRequest(f"`{where}.pattern` has to have 1 to {LONGEST} characters.", param=where)
        if not rule.model or len(rule.model) > LONGEST_NAME:
            raise BadRequest(f"`{where}.model` has to name a model.", param=where)
        if (inner := regex(rule.pattern)) is not None:
            try:
                pattern.read(inner)
            except ValueError as error:
                raise BadRequest(f"`{where}.pattern` {error}.", param=where) from None
            steps += pattern.steps(inner, 2 * ENDS)
    if steps > MOST_STEPS:
        raise BadRequest(
            "The regular expressions of `routing_rules` can match in too many ways: use fewer of * + ? and |.",
            param="routing_rules",
        )
    return rules


def routed(rules: list[Rule], text: str) -> str | None:
    """The model of the first rule that fits."""
    return next((rule.model for rule in rules if fits(rule, text)), None)


def fits(rule: Rule, text: str) -> bool:
    """Whether the text holds the pattern, in whatever case. Regular expressions see only its two ends."""
    inner = regex(rule.pattern)
    if inner is None:
        return rule.pattern.casefold() in text.casefold()
    seen = text if len(text) <= 2 * ENDS else f"{text[:ENDS]}\n{text[-ENDS:]}"
    return pattern.read(inner).compiled.search(seen) is not None
