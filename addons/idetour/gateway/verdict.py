"""What an upstream means by a status and its words: the same refusal is said in a dozen ways."""

from typing import Literal, NamedTuple

type Scope = Literal["request", "credential×model", "credential", "model", "endpoint"]

REFUSED_SECONDS = 1800.0  # a key that is refused or used up, where the upstream does not say until when
GONE_SECONDS = 3600.0  # a model that this key cannot have

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
TIMEOUTS = (408, 504, 522, 524)  # the last two are Cloudflare's


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
