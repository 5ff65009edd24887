"""What an upstream's failure means: whose fault it is, and whether another try can help.

The *scope* of a fault decides, and what rests because of it (`health.py`). A request that
is wrong is wrong everywhere; a key that is used up says nothing about the next upstream.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from idetour.accounts.qwen import ENDED, INSTEAD
from idetour.errors import LoopDetected, RequestError, UpstreamError, openai_body
from idetour.gateway import retry_after
from idetour.gateway.verdict import Scope, judged
from idetour.routes.plan import Candidate
from idetour.secret import Secret, in_url
from idetour.upstreams.transport import TransportError
from idetour.wire.fault import Fault as Said
from idetour.wire.fault import parse_error

EXCERPT = 500  # characters of an upstream's own words that are passed on

# From people's reports; the model's own window may be far larger.
LONG_PROMPT = "Its gateway gives up on prompts from about 130,000 tokens on: shorten the conversation."

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failed attempt, and what follows for the request that it belongs to."""

    scope: Scope
    error: RequestError
    again: bool = False  # the same target may be tried once more at once
    elsewhere: bool = True  # another one may be tried
    larger: bool = False  # of the others only one with a larger window
    seeing: bool = False  # of the others only one that may see images
    passes: bool = False  # waiting helps
    busy: bool = False  # the model is exhausted, for whichever key
    unable: bool = False  # the candidate has no word for it, so nothing was sent
    reached: bool = True  # somebody answered, or might have
    rest: float | None = None  # seconds that the upstream asks for, or a rule
    said: Said | None = None  # the upstream's own words, where it complains of the request


def of_body(error: RequestError) -> Fault:
    """What one candidate has no word for, found before anything was sent: the next may have one."""
    return Fault(scope="request", error=error, unable=True, reached=False)


def of_transport(error: TransportError, candidate: Candidate) -> Fault:
    """A failure below HTTP. A dead or silent upstream is not tried twice; a connection that broke is."""
    where = f"{candidate.upstream.title} ({candidate.target})"
    if error.kind == "loop":
        return Fault(
            scope="request",  # wrong with us, not with the upstream
            error=LoopDetected(
                f"{where}: {error}. Take {urlsplit(candidate.upstream.url).hostname} out of the hosts file, "
                "or use another upstream."
            ),
            elsewhere=False,
        )
    status, code = (
        (504, "upstream_timeout") if error.kind.endswith("timeout") else (502, "upstream_unreachable")
    )
    code = {"tls": "upstream_tls", "broken": "upstream_broken"}.get(error.kind, code)
    return Fault(
        scope="model" if error.kind in ("broken", "first_byte_timeout") else "endpoint",
        error=UpstreamError(f"{where}: {error}.", status=status, code=code),
        again=error.kind == "broken",
    )


def of_credential(error: UpstreamError) -> Fault:
    """A login whose token cannot be had: for the moment (503), or until its owner logs in again."""
    return Fault(scope="credential", error=error, passes=error.status == 503, reached=False)


def of_event(error: UpstreamError, candidate: Candidate, key: Secret | None) -> Fault:
    """An error that came inside an answer whose status was good."""
    return of_answer(error.status, {}, openai_body(error), candidate, key)


def of_answer(
    status: int, headers: Mapping[str, str], body: bytes, candidate: Candidate, key: Secret | None
) -> Fault:
    """An answer that is an error: by status, and by words where the status misleads."""
    hidden = [*([key] if key else []), *in_url(candidate.upstream.proxy or "")]
    for secret in hidden:
        body = without(secret, body)
    said = parse_error(body)  # in JSON it may have been escaped
    said = said._replace(**{name: word and masked(hidden, word) for name, word in said._asdict().items()})
    message, type_, code, param = said
    words = f"{code} {type_} {message}".lower()
    code = None if code is None or code.isdigit() else clean(code)
    verdict = judged(status, code, words, dashscope=alibabas(candidate))
    told = clean(message) or f"HTTP {status} without a word"
    error = UpstreamError(
        f"{candidate.upstream.title} ({candidate.target}): {told}{remark(status, candidate)}",
        status=verdict.status,
        type=TYPES.get(verdict.status, "server_error" if verdict.status >= 500 else "invalid_request_error"),
        code=verdict.code,
        param=param and clean(param),
        headers=retry_after.relayed(headers),
    )
    rest = retry_after.stated(headers, body, now=time.time()) if verdict.rests else None
    return Fault(
        scope=verdict.scope,
        error=error,
        again=verdict.again,
        elsewhere=verdict.elsewhere,
        larger=verdict.code == "context_length_exceeded",
        seeing=verdict.code == "images_not_supported",
        passes=verdict.passes,
        busy=verdict.busy,
        rest=verdict.rest if rest is None else rest,
        said=said if verdict.complains else None,
    )


def alibabas(candidate: Candidate) -> bool:
    return "aliyuncs.com" in candidate.upstream.url


def remark(status: int, candidate: Candidate) -> str:
    """What we know beside the upstream's words: of what is worth no more, logins or models, and of long prompts."""
    if status in (401, 403) and candidate.upstream.login == "qwen":
        return f" ({ENDED} {INSTEAD})"
    if status == 504 and (alibabas(candidate) or candidate.upstream.login == "qwen"):
        return f" ({LONG_PROMPT})"
    known = candidate.known
    if status not in (404, 410) or known is None or known.retired is None:
        return ""
    return f" ({known.retired}{f'; use {known.instead} instead' if known.instead else ''})"


def without(key: Secret | None, body: bytes) -> bytes:
    """Some upstreams, and many error pages, repeat the key. It goes before anything is cut: half a key is one too."""
    return body.replace(key.reveal().encode(), str(key).encode()) if key and key.reveal() else body


def masked(hidden: Iterable[Secret], words: str) -> str:
    for secret in hidden:
        words = words.replace(secret.reveal(), str(secret)) if secret.reveal() else words
    return words


def clean(words: str) -> str:
    """In one line, and no longer than a person reads."""
    return " ".join(words.split())[:EXCERPT]
