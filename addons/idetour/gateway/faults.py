"""What an upstream's failure means: whose fault it is, and whether another try can help.

The *scope* of a fault decides, and what rests because of it (`health.py`). A request that
is wrong is wrong everywhere; a key that is used up says nothing about the next upstream.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from idetour.accounts.qwen import ENDED, INSTEAD
from idetour.errors import LoopDetected, RequestError, UpstreamError, openai_body
from idetour.gateway import retry_after
from idetour.routes.plan import Candidate
from idetour.secret import Secret, in_url
from idetour.upstreams.transport import TransportError
from idetour.wire.fault import Fault as Said
from idetour.wire.fault import parse_error

type Scope = Literal["request", "credential×model", "credential", "model", "endpoint"]

REFUSED_SECONDS = 1800.0  # a key that is refused or used up, where the upstream does not say until when
GONE_SECONDS = 3600.0  # a model that this key cannot have

EXCERPT = 500  # characters of an upstream's own words that are passed on

# Words in an upstream's code, type or message that say more than its status does.
OVERFLOW = (
    "context_length",
    "maximum context",
    "exceed_context_size",
    "range of input length",
    "prompt is too long",
    "exceed context limit",  # Anthropic: with `max_tokens` added
    "max_tokens must be at least 1",  # vLLM: what is left of the window is negative
)
# A model that sees no images is shown one.
BLIND = (
    "not a multimodal model",  # vLLM, NIM
    "image_url is only supported",  # OpenAI
    "unknown variant `image_url`",  # DeepSeek
    "support image",  # OpenRouter, with 404; LM Studio, xAI
    "support vision",
    "image input not",
    "image input is not",  # llama.cpp, with 500; Mistral
    "image inputs are not",
    "images are not supported",
    "required for image input",  # Ollama, with 500
)
MODERATION = ("data_inspection_failed", "datainspectionfailed", "content_policy_violation", "content_filter")
QUOTA = ("arrearage", "credit balance", "已欠费")
QUOTA_OF_MODEL = ("free allocated quota", "freetieronly")  # DashScope: each model has its own
QUOTA_OR_RATE = ("insufficient_quota", "exceeded your current quota")  # DashScope: also of one minute
NOT_OPENED = ("unpurchased", "model.accessdenied", "model_access_denied")
PARAMETER = (
    "unsupported parameter",
    "unsupported_parameter",
    "extra inputs are not permitted",
    "extra_forbidden",
)
BUSY = ("degraded function", "resourceexhausted", "overloaded", "loading model")
CHALLENGE = ("just a moment...", "cf-challenge", "attention required! | cloudflare")
# From people's reports; the model's own window may be far larger.
LONG_PROMPT = "Its gateway gives up on prompts from about 130,000 tokens on: shorten the conversation."
TIMEOUTS = (408, 504, 522, 524)  # the last two are Cloudflare's

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failed attempt, and what follows for the request that it belongs to.

    `again`: the same target may be tried once more at once. `elsewhere`: another one may;
    `larger`: only one with a larger window; `seeing`: only one that may see images. `passes`: waiting helps. `busy`: the model is
    exhausted, for whichever key. `unable`: the candidate has no word for it, so nothing was sent. `reached`: somebody answered, or might have. `rest`: seconds that the
    upstream asks for, or a rule. `said`: its own words, where it complains of the request.
    """

    scope: Scope
    error: RequestError
    again: bool = False
    elsewhere: bool = True
    larger: bool = False
    seeing: bool = False
    passes: bool = False
    busy: bool = False
    unable: bool = False
    reached: bool = True
    rest: float | None = None
    said: Said | None = None


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
                f"{where}: {error}. Take {hostname(candidate)} out of the hosts file, or use another upstream."
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


def hostname(candidate: Candidate) -> str:
    return candidate.upstream.url.partition("://")[2].partition("/")[0]


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


class Verdict(NamedTuple):
    """What an answer means, and the status and code with which the client hears of it."""

    scope: Scope
    status: int
    code: str | None
    again: bool = False
    elsewhere: bool = True
    passes: bool = False
    busy: bool = False
    rest: float | None = None

    @property
    def rests(self) -> bool:
        """Whether the upstream's word counts on when to come back."""
        return self.passes or self.rest == REFUSED_SECONDS

    @property
    def complains(self) -> bool:
        """Whether it may be a field of the request that is refused, and not what the request says."""
        special = ("context_length_exceeded", "images_not_supported", "content_filter")
        return self.scope == "request" and self.status in (400, 422) and self.code not in special


def judged(status: int, code: str | None, words: str, *, dashscope: bool) -> Verdict:
    """`words` is all that the upstream said, in lower case. The first line that fits decides."""

    def said(hints: tuple[str, ...]) -> bool:
        return any(hint in words for hint in hints)

    if status == 508:
        return Verdict("request", 508, "loop_detected", elsewhere=False)
    if said(OVERFLOW):
        return Verdict("request", 400, "context_length_exceeded")
    if status >= 400 and said(BLIND):
        return Verdict("request", 400, "images_not_supported")
    if said(MODERATION):
        return Verdict("request", 400, "content_filter", elsewhere=False)
    if said(QUOTA_OF_MODEL):
        return Verdict("credential×model", 429, "insufficient_quota", rest=REFUSED_SECONDS)
    if status == 402 or said(QUOTA) or (said(QUOTA_OR_RATE) and not dashscope):
        return Verdict("credential", 429, "insufficient_quota", rest=REFUSED_SECONDS)
    if status in (404, 410) or said(NOT_OPENED):
        return Verdict("credential×model", 404, "model_not_found", rest=GONE_SECONDS)
    if status in (403, 429, 503) and said(CHALLENGE):
        return Verdict("endpoint", 502, "upstream_blocked")
    if status in (401, 403):
        return Verdict("credential", status, code or "invalid_api_key", rest=REFUSED_SECONDS)
    if status == 429:
        return Verdict("credential×model", 429, "rate_limit_exceeded", passes=True)
    if status in (503, 529) or said(BUSY):
        again = "resourceexhausted" not in words
        return Verdict("model", 503, "overloaded", again=again, passes=True, busy=True)
    if status == 501:
        return Verdict("request", 501, code)
    if status in TIMEOUTS:
        return Verdict("model", 504, "upstream_timeout", again=True)
    if status == 409 or status >= 500:
        return Verdict("model", 502, code, again=True)
    if status < 400:
        return Verdict("model", 502, "bad_upstream_response")
    if said(PARAMETER):
        return Verdict("request", 400, "unsupported_parameter", elsewhere=False)
    return Verdict("request", status, code, elsewhere=False)


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
