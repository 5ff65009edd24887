"""`tokens_over`: the whole request, by our estimate, is more than so many tokens."""

from idetour.routes.asked import Asked, Verdict
from idetour.wire import estimate


def judge(said: int, asked: Asked) -> Verdict:
    size = estimate.size(asked.request.fields)
    if size <= said and not asked.images:
        return Verdict(False, f"{size:,} bytes cannot be more tokens")  # no need to count
    return Verdict(asked.tokens > said, f"about {asked.tokens:,} tokens")
