"""`images`: whether there is a picture anywhere in the conversation. Most coding models cannot see."""

from idetour.routes.asked import Asked, Verdict


def judge(said: bool, asked: Asked) -> Verdict:
    count = asked.images
    return Verdict(bool(count) is said, f"{count} picture{'' if count == 1 else 's'}")
