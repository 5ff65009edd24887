"""`tokens_under`: the whole request, by our estimate, is less than so many tokens."""

from idetour.routes.asked import Asked, Verdict


def judge(said: int, asked: Asked) -> Verdict:
    return Verdict(asked.tokens < said, f"about {asked.tokens:,} tokens")
