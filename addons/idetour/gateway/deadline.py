"""How long the client waits: an error that explains itself, just before it gives up, is worth more than silence."""

import re
from collections.abc import Mapping

MARGIN = 0.1  # of the time, at most MARGIN_SECONDS: for our answer to arrive in
MARGIN_SECONDS = 1.0
HEADERS = {
    "x-idetour-deadline-ms": 0.001,
    "x-stainless-timeout": 1.0,  # the OpenAI and Anthropic SDKs say their timeout, in seconds
}


def stated(headers: Mapping[str, str]) -> float | None:
    """Seconds within which the client has to hear something final; None where it does not say."""
    for name, unit in HEADERS.items():
        said = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", said) and (seconds := float(said) * unit) > 0:
            return seconds - min(MARGIN_SECONDS, MARGIN * seconds)
    return None
