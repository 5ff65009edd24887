"""The kinds of value a profile holds, each with its check and its face in the JSON Schema.

Every check raises with the second half of a sentence; the first half is the
name of the word it stands at: `'temperature'` + `has to be a number …`.
"""

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from idetour.addresses import is_loopback
from idetour.profile import Target
from idetour.profile.source import resolve

type Json = dict[str, Any]

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
RESULTS = "tool-results"
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_AT_HOME = re.compile(
    r"[a-z][a-z0-9_-]*|.+\.(internal|local|lan|home\.arpa)"
)  # names that the public DNS does not have
_VARIABLE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 §5.6.2, token
_CREDENTIALS = {"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"}
_ENDPOINTS = ("/chat/completions", "/responses", "/messages", "/embeddings", "/models")


def wrong(message: str, hint: str = "") -> PydanticCustomError:
    return PydanticCustomError("said", "{message}", {"message": message, "hint": hint})


class Looks(WithJsonSchema):
    """How a value is described to editors. Hashable, for `… | None` on Python 3.12, whose unions hash their parts."""

    __hash__ = object.__hash__


@dataclass(frozen=True, eq=False)  # compared and hashed by identity: what it holds is a dict
class Short:
    """A shorter way to write something: how it looks, and how it is written out."""

    looks: Json
    long: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.long, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return {"anyOf": [self.looks, handler(core)]}


@dataclass(frozen=True, eq=False)
class Lone:
    """A list of which one item may stand without its brackets."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(lone, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        items = handler(core)
        return {"anyOf": [items["items"], items]}


def lone(data: Any) -> Any:
    return [data] if isinstance(data, str | dict) else data


@dataclass(frozen=True, eq=False)
class Within:
    """A number and its bounds. Integers stay integers: they go into requests as they are written."""

    low: float | None = None
    high: float | None = None
    above: float | None = field(default=None, kw_only=True)
    whole: bool = field(default=False, kw_only=True)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        bounds = {"minimum": self.low, "maximum": self.high, "exclusiveMinimum": self.above}
        kind = "integer" if self.whole else "number"
        return {"type": kind, **{name: bound for name, bound in bounds.items() if bound is not None}}

    def check(self, data: Any) -> int | float:
        value = resolve(data)
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            raise wrong(f"has to be {self}, not {shown(data)}")
        low, high = self.low, self.high
        beyond = (low is not None and value < low) or (high is not None and value > high)
        if beyond or not math.isfinite(value) or (self.above is not None and value <= self.above):
            raise wrong(f"has to be {self}, not {shown(data)}")
        return cast("int | float", value)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        if self.low is not None and self.high is not None:
            return f"{kind} from {self.low} to {self.high}"
        if self.above is not None:
            return f"{kind} above {self.above}"
        return f"{kind} of at least {self.low}" if self.low is not None else kind


def _flag(data: Any) -> bool:
    value = resolve(data)
    if not isinstance(value, bool):
        raise wrong(f"has to be true or false, not {shown(data)}")
    return value


def _trim(data: Any) -> int | str:
    value = resolve(data)
    if value != RESULTS and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise wrong(f"has to be {RESULTS} or a number of tokens, not {shown(data)}")
    return cast("int | str", value)


def _bounds(pair: list[float]) -> list[float]:
    if len(pair) != 2 or pair[0] > pair[1]:
        raise wrong("has to be [lowest, highest]")
    return pair


def _target(text: str) -> str:
    try:
        Target.parse(text)
    except ValueError:
        raise wrong(f"has to be upstream/model-id, not {shown(text)}") from None
    return text


def _url(text: str) -> str:
    """A base URL without its trailing slash. Plain http is for this machine and private networks, where Ollama runs."""
    if text == "demo:":
        return text
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not text.isprintable() or " " in text:
        raise wrong("has to be a URL such as https://api.example.com/v1")
    if "@" in parts.netloc:
        raise wrong("must not hold a user or a password", "write the secret as `key: $NAME`")
    if "?" in text or "#" in text:
        raise wrong("must not hold '?' or '#': it is the part that all requests have in common")
    if parts.scheme == "http" and not (is_loopback(host) or host.endswith(".localhost") or _private(host)):
        raise wrong("has to begin with https://", "over http, others can read the key on its way")
    for endpoint in _ENDPOINTS:
        if parts.path.rstrip("/").endswith(endpoint):
            raise wrong("is the address of one endpoint", f"leave out '{endpoint}'")
    return text.rstrip("/")


def _private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return _AT_HOME.fullmatch(host.lower()) is not None


def _host(text: str) -> str:
    if _HOST.fullmatch(text.lower()):
        return text.lower()
    inner = urlsplit(text).hostname if re.fullmatch(r"https?://[\w.:-]+(/.*)?", text) else None
    raise wrong("has to hold host names such as api.openai.com", f"write '{inner}'" if inner else "")


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", text.lower()):
        raise wrong("has to hold names such as llm.example.com", "without https://, port and path")
    return text.lower()


def _origin(text: str) -> str:
    """As browsers send it: a scheme, a host, and a port that is not the usual one."""
    if text == "*":
        raise wrong("must not be '*': any page in your browser could spend your keys", "name the pages")
    parts = re.fullmatch(r"(https?://[a-z0-9.\[\]:-]+)/?", text.lower())
    if not parts:
        raise wrong("has to hold origins such as https://chat.example.com", "without a path")
    return parts[1]


def _key(text: str) -> str:
    """`$NAME`, `client`, or the key itself. The message never repeats it."""
    if text.startswith("$"):
        if not _VARIABLE.fullmatch(text):
            raise wrong("has a '$' without the name of a variable", "write $NAME: letters, digits and _")
    elif not text or not text.isascii() or not text.isprintable() or " " in text:
        raise wrong("has to be $NAME, a key without blanks, or 'client'")
    return text


def _proxy(text: str) -> str:
    if not _VARIABLE.fullmatch(text) and not re.fullmatch(r"https?://[^\s/]+/?", text):
        raise wrong("has to be $NAME or the URL of an HTTP proxy, such as http://127.0.0.1:7890")
    return text


def _header(name: str) -> str:
    if not _HEADER.fullmatch(name):
        raise wrong("is not the name of a header")
    if name.lower() in _CREDENTIALS:
        raise wrong("carries a key, and headers are shown", "write it as `key: $NAME`")
    return name


def _header_value(text: str) -> str:
    if not text.isprintable():
        raise wrong("holds a character that no header may have")
    return text


def shown(value: Any) -> str:
    """A value as the user wrote it, cut where it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text if len(text) <= 40 else text[:39] + '…'}'"


Number = Annotated[float, Within()]
Bounds = Annotated[list[Number], AfterValidator(_bounds)]
Positive = Annotated[float, Within(above=0)]
Flag = Annotated[bool, BeforeValidator(_flag), Looks({"type": "boolean"})]
Trim = Annotated[
    int | str,
    BeforeValidator(_trim),
    Looks({"anyOf": [{"const": RESULTS}, {"type": "integer", "minimum": 1}]}),
]
TargetText = Annotated[str, AfterValidator(_target)]
Url = Annotated[str, AfterValidator(_url)]
Host = Annotated[str, AfterValidator(_host)]
Name = Annotated[str, AfterValidator(_name)]
Origin = Annotated[str, AfterValidator(_origin)]
Key = Annotated[str, AfterValidator(_key)]
Proxy = Annotated[str, AfterValidator(_proxy)]
HeaderName = Annotated[str, AfterValidator(_header)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]
Names = Annotated[list[str], Lone()]
Keys = Annotated[list[Key], Lone()]
