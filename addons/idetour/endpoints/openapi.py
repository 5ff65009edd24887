"""`GET /openapi.json` and `/docs`: what a program that asks models may send.

Of each protocol the fields that most requests have; any other goes on to the
model. What belongs to the owner is left to docs/api.md.
"""

from typing import Any

import msgspec

from idetour import __version__, described
from idetour.endpoints.entry import Visit

PATH, PAGE = "/openapi.json", "/docs"
CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

type Json = dict[str, Any]


def field(type: str, said: str) -> Json:
    return {"type": type, "description": said}


def either(type: str, said: str) -> Json:
    """A string, or this."""
    return {"anyOf": [{"type": "string"}, {"type": type}], "description": said}


MODEL = {"model": field("string", "a name from /v1/models")}
MESSAGES = {"messages": field("array", "the conversation, each with its role and content")}
STREAM = {"stream": field("boolean", "the answer as server-sent events, as it comes")}
TOOLS = {
    "tools": field("array", "what the model may call"),
    "tool_choice": either("object", "whether it has to, and which"),
}
SAMPLING = {
    "max_tokens": field("integer", "the longest answer, in tokens"),
    "temperature": field("number", "0 is plain, 2 is wild"),
}
SYSTEM = {"system": field("string", "what holds for the whole conversation")}
RULES = {
    "routing_rules": {
        **field(
            "array", "for this request: the first whose pattern the user's last words hold decides the model"
        ),
        "items": {
            "type": "object",
            "properties": {"pattern": {"type": "string"}, "model": {"type": "string"}},
        },
    }
}
INPUT = {"input": either("array", "a text, or a list of them")}


def asks(summary: str, fields: Json, *optional: str) -> Json:
    """A POST whose body has these fields. The model and what is said have to be there, unless `optional` names them."""
    needed = [name for name in ("model", "messages", "input") if name in fields and name not in optional]
    schema = {"type": "object", "required": needed, "properties": fields, "additionalProperties": True}
    content = {"application/json": {"schema": schema}}
    return {"post": {"summary": summary, "requestBody": {"required": True, "content": content}, **ANSWERS}}


def gives(summary: str) -> Json:
    return {"get": {"summary": summary, **ANSWERS}}


ANSWERS: Json = {
    "responses": {
        "200": {"description": "The answer"},
        "default": {
            "description": "An error, in the form of the protocol: what is so, where, and what to do next"
        },
    }
}
CHAT: Json = {**MODEL, **MESSAGES, **STREAM, **TOOLS, **SAMPLING}
PATHS: Json = {
    "/v1/chat/completions": asks("OpenAI's Chat Completions", CHAT),
    "/": asks("The same, for tools that know only a host", CHAT, "model") | gives("Whether it runs"),
    "/v1/responses": asks("OpenAI's Responses", {**MODEL, **INPUT, **STREAM, **TOOLS}),
    "/v1/messages": asks("Anthropic's Messages", {**CHAT, **SYSTEM}),
    "/v1/messages/count_tokens": asks("How many tokens a message would be", {**MODEL, **MESSAGES, **TOOLS}),
    "/v1/embeddings": asks("Vectors for texts", {**MODEL, **INPUT}),
    "/api/chat": asks("A flat chat for scripts", {**CHAT, **RULES}, "model"),
    "/api/claude": asks(
        "Messages for scripts: text alone", {**MODEL, **MESSAGES, **SYSTEM, **SAMPLING}, "model"
    ),
    "/v1/models": gives("The names that may be asked for"),
    "/anthropic/v1/models": gives("The same in Anthropic's form"),
    "/health": gives("Whether it runs"),
    "/proxy.pac": gives("Sends the intercepted hosts here, for systems and browsers"),
}
SCHEMA: Json = {
    "openapi": "3.1.0",
    "info": {
        "title": "idetour",
        "version": __version__,
        "description": "Programs on this machine need no key unless one was set; docs/api.md has it all.",
    },
    "security": [{}, {"key": []}],
    "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    "paths": PATHS,
}


async def schema(visit: Visit) -> None:
    await visit.exchange.answer(200, msgspec.json.encode(SCHEMA))


async def page(visit: Visit) -> None:
    headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": CSP}
    await visit.exchange.answer(200, described.written(SCHEMA).encode(), headers)
