"""What is changed in a request on its way, and why: for its owner, who wonders what became of a parameter.

Each step of fitting a request is compared with the one before it, by its top-level
fields, so that no step has to tell. Of what people say (messages, names, words of
theirs) nothing is told but that it was changed.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Raw

from idetour.wire import ollama, raw
from idetour.wire.raw import Fields

MOST = 40  # changes that are told of one request
LONGEST_NAME, LONGEST_VALUE = 60, 80  # characters
PLAIN = re.compile(rb"-?[0-9][0-9.eE+-]{,30}|true|false|null")  # a number or a switch
KEY = re.compile(r"(?=[\w.-]*\d)[\w.-]{20,}")  # what may be one, in the wrong place; no field is called so
OURS = ("stream", "stream_options")  # how the upstream is asked is told apart
PRIVATE = frozenset({"user", "safety_identifier", "session_id", "prompt_cache_key", "metadata"})
# What may be shown where it is no number: words and switches, and nothing that people say.
OPEN = frozenset({
    "model", "reasoning_effort", "reasoning", "thinking", "thinking_budget", "chat_template_kwargs", "output_config",
    "think", "tool_choice", "verbosity", "service_tier", "modalities", "truncation", "provider",
})  # fmt: skip
SPEAKS = {"openai": "chat", "demo": "chat", "anthropic": "messages"}
# By protocol: fields that it says otherwise, or elsewhere. Those of Chat where Chat is translated into it, and
# those of its own where it is translated into Chat.
FROM_CHAT: Mapping[str, frozenset[str]] = {
    "messages": frozenset({
        "stop", "user", "safety_identifier", "response_format", "functions", "function_call", "parallel_tool_calls",
    }),
    "responses": frozenset({
        "messages", "response_format", "verbosity", "reasoning_effort", "functions", "function_call", "logprobs",
    }),
    "ollama": frozenset({*ollama.OPTIONS, "response_format", "tool_choice", "options"}),
}  # fmt: skip
INTO_CHAT: Mapping[str, frozenset[str]] = {
    "messages": frozenset({
        "system", "stop_sequences", "thinking", "output_config", "output_format", "metadata", "tool_choice",
    }),
    "responses": frozenset({
        "input", "instructions", "text", "reasoning", "include", "store", "previous_response_id", "tools",
        "tool_choice",
    }),
}  # fmt: skip

type Why = str | Callable[[str], str]  # the same for all fields, or by the field's name


class Changes:
    """`told` has a line for each change: `temperature 1.8 → 1 (nim: clamp)`.

    In brackets stands who wants it so (a model of the profile, the catalog, or the
    `upstream`) and by which word of the profile's language.
    """

    def __init__(self, upstream: str = "") -> None:
        self.upstream = upstream
        self.told: list[str] = []
        self._before: Fields = {}

    def begin(self, fields: Mapping[str, Raw]) -> None:
        self._before = dict(fields)

    def note(self, fields: Fields, why: Why) -> None:
        """The fields after a step. Costs a fraction of a microsecond where it changed nothing."""
        before = self._before
        if fields == before:
            return
        self._before = dict(fields)
        gone = [name for name in before if name not in fields and name not in OURS]
        for name, value in fields.items():
            was = before.get(name)
            if was is value or name in OURS or was == value:
                continue
            if was is None and gone and (source := same(value, gone, before)):
                gone.remove(source)
                self.tell(f"{known(source)} → {known(name)}", why, source)
            else:
                self.tell(difference(name, was, value), why, name)
        for name in gone:
            self.tell(f"{known(name)} dropped", why, name)

    def translated(self, fields: Fields, *, otherwise: frozenset[str], why: str) -> None:
        """The fields in another protocol, which says those in `otherwise` in its own way.

        Compared are numbers and switches: how all else is written is the protocols' business.
        """
        before = self._before
        self._before = {
            name: value for name, value in before.items() if name in fields or name not in otherwise
        }
        plain = {
            name: value if PLAIN.fullmatch(value) else before.get(name) for name, value in fields.items()
        }
        self.note({name: value for name, value in plain.items() if value is not None}, why)

    def tell(self, what: str, why: Why, name: str = "") -> None:
        if len(self.told) < MOST:
            said = why if isinstance(why, str) else why(name)
            self.told.append(f"{what} ({said})" if said else what)
        elif len(self.told) == MOST:
            self.told.append("…")


def same(value: Raw, names: list[str], fields: Fields) -> str | None:
    """Of these fields the one with the same value: it has got another name."""
    return next((each for each in names if fields[each] == value), None)


def difference(name: str, was: Raw | None, value: Raw) -> str:
    now = shown(name, value)
    if was is None:
        return f"{known(name)} {now} added" if now else f"{known(name)} added"
    said = shown(name, was)
    return f"{known(name)} {said} → {now}" if said and now else f"{known(name)} rewritten"


def known(name: str) -> str:
    """A field's name; a client may have made it up."""
    begun = name[:LONGEST_NAME]
    if KEY.search(begun):
        return "a field"
    return begun if begun.isidentifier() else re.sub(r"[^\w.$-]", "_", begun)


def shown(name: str, value: Raw) -> str | None:
    """A value on one line; None for what is too long, or nobody's business."""
    if name in PRIVATE:
        return None
    if plain := PLAIN.fullmatch(value):
        return plain[0].decode()
    if name not in OPEN or len(memoryview(value)) > LONGEST_VALUE:
        return None
    held = raw.value(value)
    text = held if isinstance(held, str) else bytes(value).decode()
    secret = name != "model" and KEY.search(text)
    return text if held is not None and text.isprintable() and not secret else None
