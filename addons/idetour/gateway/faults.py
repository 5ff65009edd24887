"""What an upstream's failure means: whose fault it is, and whether another try can help.

The *scope* of a fault decides. A request that is wrong is wrong everywhere; a
key that is used up says nothing about the next upstream.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from idetour.errors import LoopDetected, RequestError, UpstreamError
from idetour.routes.plan import Candidate
from idetour.secret import Secret
from idetour.upstreams.transport import TransportError
from idetour.wire.fault import parse_error

type Scope = Literal["request", "model", "credential", "upstream"]

EXCERPT = 500  # characters of an upstream's own words that are passed on
OVERFLOW = (
    "context_length",
    "maximum context",
    "exceed_context_size",
    "range of input length",
    "prompt is too long",
)
QUOTA = (
    "insufficient_quota",
    "free allocated quota",
    "freetieronly",
    "arrearage",
    "credit balance",
    "exceeded your current quota",
)
BUSY = ("degraded function", "resourceexhausted", "overloaded", "loading model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failed attempt. `again`: the same target may be tried once more; `elsewhere`: another one may."""

    scope: Scope
    error: RequestError
    again: bool = False
    elsewhere: bool = True


def of_transport(error: TransportError, candidate: Candidate) -> Fault:
    """A failure below HTTP. A dead or silent upstream is not tried twice; a connection that broke is."""
    where = f"{candidate.upstream.title} ({candidate.target})"
    if error.kind == "loop":
        return Fault(
            scope="upstream",
            error=LoopDetected(
                f"{where}: {error}. Take {hostname(candidate)} out of the hosts file, or use another upstream."
            ),
            elsewhere=False,
        )
    status, code = (
        (504, "upstream_timeout") if error.kind.endswith("timeout") else (502, "upstream_unreachable")
    )
    code = {"tls": "upstream_tls", "broken": "upstream_broken"}.get(error.kind, code)
    return Fault(
        scope="upstream",
        error=UpstreamError(f"{where}: {error}.", status=status, code=code),
        again=error.kind == "broken",
    )


def hostname(candidate: Candidate) -> str:
    return candidate.upstream.url.partition("://")[2].partition("/")[0]


def of_answer(
    status: int, headers: Mapping[str, str], body: bytes, candidate: Candidate, key: Secret | None
) -> Fault:
    """An answer that is an error: by status, and by words where the status misleads."""
    message, type_, code, param = parse_error(body)
    message = clean(message, key) or f"HTTP {status} without a word"
    words = f"{code} {type_} {message}".lower()
    kept = {name: headers[name] for name in ("retry-after", "retry-after-ms") if name in headers}

    def fault(
        scope: Scope, status: int, code: str | None, *, again: bool = False, elsewhere: bool = True
    ) -> Fault:
        error = UpstreamError(
            f"{candidate.upstream.title} ({candidate.target}): {message}{remark(status, candidate)}",
            status=status,
            type=TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error"),
            code=code,
            param=param,
            headers=kept,
        )
        return Fault(scope=scope, error=error, again=again, elsewhere=elsewhere)

    if any(hint in words for hint in OVERFLOW):
        return fault("request", 400, "context_length_exceeded", elsewhere=False)
    if status == 402 or any(hint in words for hint in QUOTA):
        return fault("credential", 429, "insufficient_quota")
    if status in (401, 403):
        return fault("credential", status, code or "invalid_api_key")
    if status in (404, 410):
        return fault("model", 404, "model_not_found")
    if status == 429:
        return fault("credential", 429, code or "rate_limit_exceeded")
    if any(hint in words for hint in BUSY):
        return fault("model", 503, "overloaded")
    if status in (408, 409) or status >= 500:
        return fault("upstream", status if status >= 500 else 502, code, again=status != 501)
    if status < 400:
        return fault("upstream", 502, "bad_upstream_response")
    return fault("request", status, code, elsewhere=False)


TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def remark(status: int, candidate: Candidate) -> str:
    """What the catalog knows of a model that its upstream does not have any more."""
    known = candidate.known
    if status != 404 or known is None or known.retired is None:
        return ""
    return f" ({known.retired}{f'; use {known.instead} instead' if known.instead else ''})"


def clean(message: str, key: Secret | None) -> str:
    """The upstream's words: in one line, cut, and without the key that some upstreams repeat."""
    line = " ".join(message.split())[:EXCERPT]
    return line.replace(key.reveal(), str(key)) if key and key.reveal() else line
