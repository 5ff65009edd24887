"""`share`: this share of the conversations, always the same ones.

Each conversation has a number from 0 to 1, and the rule holds for those below
the share. So after `share: 0.1`, a second rule with `share: 0.5` gets another
four tenths; and raising a share takes away from nobody who has it.
"""

from idetour.routes.asked import Asked, Verdict

DIGITS = 8  # of the session's key, which is a hash


def judge(said: float, asked: Asked) -> Verdict:
    number = int(asked.session.key[:DIGITS], 16) / 16**DIGITS
    return Verdict(number < said, f"this conversation is at {number:.2f}")
