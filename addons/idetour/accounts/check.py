"""Whether an upstream accepts a key, by calls that cost nothing.

`GET /models` first. Where that answers everybody, an empty request to the chat
endpoint tells: a stranger is turned away before anybody looks at what it says.
"""

import json
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from idetour.profile import Upstream
from idetour.secret import Secret

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 20.0
MOST_AT_ONCE = 8

type Trust = Callable[[Path | None], ssl.SSLContext]
type Outcome = Literal["accepted", "busy", "poor", "refused", "forbidden", "unreachable", "unclear"]

MEANING: dict[Outcome, str] = {
    "accepted": "the key is accepted",
    "busy": "the key is accepted; too many requests just now",
    "poor": "the key is known, and there is no credit left",
    "refused": "the key is refused",
    "forbidden": "the key is known and not allowed: terms to accept, a region, or other models",
    "unreachable": "it cannot be reached",
    "unclear": "it answers otherwise than expected, so nothing is proved",
}
GOOD: tuple[Outcome, ...] = ("accepted", "busy", "poor")  # the key is this upstream's


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a key at an upstream; `detail` has the upstream's own words."""

    upstream: Upstream
    outcome: Outcome
    detail: str = ""

    @property
    def good(self) -> bool:
        return self.outcome in GOOD

    def __str__(self) -> str:
        return f"{self.upstream.title}: {MEANING[self.outcome]}{f' ({self.detail})' if self.detail else ''}"


def by_system(ca: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


def tried(upstream: Upstream, key: Secret, trust: Trust = by_system) -> Verdict:
    """Ask an upstream with a key, as the gateway reaches it: by its own proxy, and by no variable's.

    `trust` makes the TLS context for a CA file (None: the system's trust). Blocks for seconds at most.
    """
    import httpx2

    try:
        with httpx2.Client(
            proxy=upstream.proxy,
            verify=trust(upstream.ca),
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
        ) as made:
            listed = asked(made, upstream, key)
            if not listed.is_success and listed.status_code not in (404, 405, 501):
                return judged(upstream, listed, key)
            if listed.is_success and not asked(made, upstream, None).is_success:
                return Verdict(upstream, "accepted")
            return judged(upstream, empty(made, upstream, key), key)
    except (httpx2.HTTPError, OSError) as error:
        return Verdict(upstream, "unreachable", str(error) or type(error).__name__)


def each(upstreams: Sequence[Upstream], key: Secret, trust: Trust = by_system) -> list[Verdict]:
    """The same key at several, at the same time."""
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        return [*pool.map(partial(tried, key=key, trust=trust), upstreams)]


def asked(made: "httpx2.Client", upstream: Upstream, key: Secret | None) -> "httpx2.Response":
    """The upstream's list of models. Raises httpx2.HTTPError."""
    path = "/v1/models" if upstream.speaks == "anthropic" else "/models"
    return made.get(upstream.base + path, headers=headers(upstream, key))


def empty(made: "httpx2.Client", upstream: Upstream, key: Secret) -> "httpx2.Response":
    """A request for nothing: no model answers it, so it costs nothing. Raises httpx2.HTTPError."""
    path = "/v1/messages" if upstream.speaks == "anthropic" else "/chat/completions"
    return made.post(upstream.base + path, headers=headers(upstream, key), json={})


def headers(upstream: Upstream, key: Secret | None) -> dict[str, str]:
    made = {"user-agent": "idetour", **upstream.headers}
    if upstream.speaks == "anthropic":
        made["anthropic-version"] = "2023-06-01"
        return made | ({"x-api-key": key.reveal()} if key else {})
    return made | ({"authorization": f"Bearer {key.reveal()}"} if key else {})


def judged(upstream: Upstream, answer: "httpx2.Response", key: Secret) -> Verdict:
    """What the answer to a request with a key says of the key. Some repeat it."""
    status, said = answer.status_code, words(answer).replace(key.reveal(), str(key))
    match status:
        case 401:
            return Verdict(upstream, "refused", said)
        case 402:
            return Verdict(upstream, "poor", said)
        case 403:
            return Verdict(upstream, "forbidden", said)
        case 429:
            return Verdict(upstream, "busy")
        case 400 | 404 | 405 | 422:
            if "api key" in said.lower() or "api_key" in said.lower():
                return Verdict(upstream, "refused", said)  # Google and Alibaba have answered so
            return Verdict(upstream, "accepted")
    return Verdict(upstream, "unclear", f"{status} {said}".strip())


def words(answer: "httpx2.Response") -> str:
    """The message of an error, in a line; empty where there is none."""
    try:
        said = json.loads(answer.content)
        error = said.get("error", said)
        told = error if isinstance(error, str) else error.get("message") or error.get("detail") or ""
    except (ValueError, AttributeError, RecursionError):
        return ""
    return " ".join(str(told).split())[:160]
