"""When an upstream says it may be asked again: the half dozen ways in which that is written."""

import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

LONGEST_SECONDS = 24 * 3600.0  # nobody is believed for longer
EPOCH = 1e9  # a number above this is a time since 1970: in seconds, or above EPOCH_MS in milliseconds
EPOCH_MS = 1e12
UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")  # RFC 9110 §5.6.7
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")


def stated(headers: Mapping[str, str], body: bytes = b"", *, now: float) -> float | None:
    """Seconds from now, or None where nothing is said. `now` is the time since 1970, for dates.

    `Retry-After-Ms` and its Azure spelling, `Retry-After` (RFC 9110 §10.2.3) in seconds or as a
    date, `X-RateLimit-Reset`, and the same among an OpenRouter error's metadata.
    """
    for said in (headers, quoted(body)):
        seconds = next((each for each in ways(said, now) if each is not None and each >= 0), None)
        if seconds is not None:
            return min(seconds, LONGEST_SECONDS)
    return None


def relayed(headers: Mapping[str, str]) -> dict[str, str]:
    """What of it the client is told: times alone, for an upstream may repeat its key in any header."""
    said = ((name, headers.get(name, "")) for name in ("retry-after", "retry-after-ms"))
    return {name: value for name, value in said if plain(value) is not None or DATE.fullmatch(value)}


def ways(headers: Mapping[str, str], now: float) -> Iterator[float | None]:
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (number := plain(headers.get(name, ""))) is not None:
            yield number / 1000
    after = headers.get("retry-after", "")
    yield number if (number := plain(after)) is not None else date(after, now)
    yield moment(headers.get("x-ratelimit-reset", ""), now)
    for kind in ("requests", "tokens"):  # OpenAI counts both; the one that is used up decides
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0":
            yield moment(headers.get(f"x-ratelimit-reset-{kind}", ""), now)


def plain(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,16}(\.\d{1,9})?\s*", text) else None


def date(text: str, now: float) -> float | None:
    """Seconds until an HTTP date; one that has passed is now."""
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def moment(text: str, now: float) -> float | None:
    """Seconds until a reset: a number of seconds, a time since 1970, or a duration such as `6m0s`."""
    if (number := plain(text)) is not None:
        if number >= EPOCH:
            number = (number / 1000 if number >= EPOCH_MS else number) - now
        return max(0.0, number)
    parts = DURATION.findall(text.strip())
    if not parts or "".join(map("".join, parts)) != text.strip():
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def quoted(body: bytes) -> Mapping[str, str]:
    """Headers of a provider that OpenRouter repeats within its error."""
    if b"metadata" not in body:
        return {}
    try:
        said: Any = msgspec.json.decode(body)["error"]["metadata"]["headers"]
        return {str(name).lower(): str(value) for name, value in said.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
