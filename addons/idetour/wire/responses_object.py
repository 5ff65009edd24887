"""The response object, which stands in the first and the last event of a stream, or is the whole answer.

Typed clients insist on all of its members, also on both details of the usage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.fault import Fault
from idetour.wire.raw import Fields
from idetour.wire.usage import Usage

# What a response repeats of its request, and what stands there for what was not said.
ECHOED: Mapping[str, Raw] = {
    "background": Raw(b"false"),
    "instructions": raw.NULL,
    "max_output_tokens": raw.NULL,
    "metadata": raw.EMPTY_OBJECT,
    "parallel_tool_calls": Raw(b"true"),
    "previous_response_id": raw.NULL,
    "reasoning": Raw(b'{"effort":null,"summary":null}'),
    "store": Raw(b"true"),
    "temperature": raw.NULL,
    "text": Raw(b'{"format":{"type":"text"}}'),
    "tool_choice": Raw(b'"auto"'),
    "tools": raw.EMPTY_LIST,
    "top_p": raw.NULL,
    "truncation": Raw(b'"disabled"'),
}
REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}  # by `finish_reason`
# Codes that clients act on; the last two Codex knows beyond those that OpenAI's SDK lists.
CODES = (
    "server_error",
    "rate_limit_exceeded",
    "invalid_prompt",
    "context_length_exceeded",
    "insufficient_quota",
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same in each state of a response."""

    id: str
    fields: Fields

    @property
    def suffix(self) -> str:
        """The part of the id that the ids of its items share."""
        return self.id.partition("_")[2]

    @property
    def ours(self) -> dict[str, object]:
        """What is ours to say, also where the response is the upstream's own."""
        return {"id": self.id} | {
            name: self.fields[name] for name in ("model", "previous_response_id", "store")
        }

    def response(
        self,
        status: str,
        output: Sequence[Mapping[str, object] | Raw] = (),
        *,
        usage: Usage | None = None,
        **told: object,
    ) -> bytes:
        made: dict[str, object] = {
            "id": self.id,
            "object": "response",
            **self.fields,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "output": output,
            "usage": usage and spent(usage),
        }
        return raw.encode(made | told)


def frame(id: str, asked: Mapping[str, Raw], *, model: str, created: int) -> Frame:
    """The frame of the answer to a request with these fields; `created` in seconds since 1970."""
    said = {name: value for name, value in asked.items() if name in ECHOED and value != raw.NULL}
    return Frame(id, {"created_at": raw.of(created), "model": raw.of(model), **ECHOED, **said})


def spent(usage: Usage) -> dict[str, object]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }


def failure(fault: Fault) -> dict[str, str]:
    """The `error` of a response that failed, by a code that clients know."""
    code = fault.code if fault.code in CODES else "server_error"
    if code == "server_error":
        said = f"{fault.code} {fault.type}"
        if "rate_limit" in said:
            code = "rate_limit_exceeded"
        elif fault.type == "invalid_request_error":
            code = "invalid_prompt"
    return {"code": str(code), "message": fault.message}
