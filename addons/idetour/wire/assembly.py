"""One choice of an answer, put together from the pieces that a stream brought.

Pieces are raw JSON. Two strings are joined by leaving out the quotes between
them, two lists by leaving out the brackets: no text is ever decoded, so what
the model said stays as it was, and an emoji cut in two becomes whole again.
"""

from collections.abc import Container

from msgspec import Raw

from idetour.wire import raw

TOOL_CALLS = Raw(b'"tool_calls"')


class Everything:
    """Contains every key but these."""

    def __init__(self, *but: str) -> None:
        self._but = but

    def __contains__(self, key: object) -> bool:
        return key not in self._but


class Members:
    """A JSON object that arrives in pieces.

    Strings and lists under a key in `joined` are appended; of all others the
    last one that says something is kept. A null is noted, so that the key is there.
    """

    def __init__(self, joined: Container[str] = ()) -> None:
        self._joined = joined
        self._pieces: dict[str, list[bytes]] = {}

    def add(self, key: str, value: Raw) -> None:
        pieces = self._pieces.setdefault(key, [])
        if value == raw.NULL or (pieces and raw.blank(value)):
            return
        piece = bytes(value)
        if not (key in self._joined and pieces and piece[:1] == pieces[0][:1] and piece[:1] in (b'"', b"[")):
            pieces.clear()
        pieces.append(piece)

    def update(self, fields: dict[str, Raw]) -> None:
        for key, value in fields.items():
            self.add(key, value)

    def get(self, key: str) -> Raw:
        return _joined(self._pieces.get(key, []))

    def whole(self) -> dict[str, Raw]:
        return {key: self.get(key) for key in self._pieces}


def _joined(pieces: list[bytes]) -> Raw:
    """Pieces of one kind, strings or lists, as one value."""
    if len(pieces) < 2:
        return Raw(pieces[0]) if pieces else raw.NULL
    if pieces[0][:1] == b'"':
        return Raw(b'"%b"' % b"".join(piece[1:-1] for piece in pieces))
    inside = (piece[1:-1].strip() for piece in pieces)
    return Raw(b"[%b]" % b",".join(piece for piece in inside if piece))


class ToolCall:
    """A call in pieces: a function with arguments, or a custom tool with input."""

    def __init__(self) -> None:
        self._own = Members()
        self._parts = {"function": Members({"arguments"}), "custom": Members({"input"})}

    @property
    def id(self) -> Raw:
        return self._own.get("id")

    @property
    def named(self) -> bool:
        return any(not raw.blank(part.get("name")) for part in self._parts.values())

    def add(self, piece: dict[str, Raw]) -> None:
        for key, value in piece.items():
            if key in self._parts:
                self._parts[key].update(answer_members(value))
            elif key != "index":
                self._own.add(key, value)

    def whole(self, number: int) -> dict[str, Raw]:
        call = {"id": raw.of(f"call_{number}"), "type": raw.of("function")}
        call |= {key: value for key, value in self._own.whole().items() if not raw.blank(value)}
        for key, part in self._parts.items():
            if found := part.whole():
                if key == "function":
                    found.setdefault("arguments", raw.EMPTY_TEXT)
                call[key] = raw.of(found)
        return call


class ToolCalls:
    """The calls of a choice, in pieces as `calls.py` leaves them: each with the index of its call."""

    def __init__(self) -> None:
        self._calls: dict[bytes, ToolCall] = {}

    def add(self, piece: dict[str, Raw]) -> ToolCall:
        """The call that the piece belongs to."""
        call = self._calls.setdefault(bytes(piece.get("index", raw.NULL)), ToolCall())
        call.add(piece)
        return call

    def whole(self) -> list[Raw]:
        return [raw.of(call.whole(number)) for number, call in enumerate(self._calls.values())]


class Assembly:
    """A choice: `add` takes one as it stands in a chunk, `whole` gives it as it stands in a completion."""

    def __init__(self) -> None:
        self._own = Members()
        self._message = Members(Everything("role"))
        self._nested = {
            "function_call": Members({"arguments"}),
            "audio": Members({"data", "transcript"}),
            "logprobs": Members({"content", "refusal"}),
        }
        self._calls = ToolCalls()
        self._details: dict[tuple[bytes, bytes], Members] = {}
        self._finish = raw.NULL

    def add(self, choice: dict[str, Raw]) -> None:
        for key, value in choice.items():
            if key in ("delta", "message"):
                self._say(answer_members(value))
            elif key == "finish_reason":
                # Some send it twice: the first wins, unless tool calls turn out to be the reason.
                if raw.blank(self._finish) or value == TOOL_CALLS:
                    self._finish = value
            elif key == "logprobs":
                self._own.add(key, raw.NULL)
                self._nested[key].update(answer_members(value))
            elif key != "index":
                self._own.add(key, value)

    def _say(self, delta: dict[str, Raw]) -> None:
        for key, value in delta.items():
            if key == "tool_calls":
                for call in any_objects(value):
                    self._calls.add(call)
            elif key == "reasoning_details":
                for number, detail in enumerate(any_objects(value)):
                    self._explain(number, detail)
            elif key in self._nested:
                self._nested[key].update(answer_members(value))
            else:
                self._message.add(key, as_text(value) if key == "content" else value)

    def _explain(self, number: int, detail: dict[str, Raw]) -> None:
        """OpenRouter gives a summary and what is encrypted the same index: the type tells them apart."""
        index = bytes(detail.get("index", raw.NULL))
        key = (index, bytes(detail.get("type", raw.NULL)))
        if index == b"null":
            key = (b"%d of %d" % (number, len(self._details)), b"")
        self._details.setdefault(key, Members({"text", "data", "summary"})).update(detail)

    def whole(self, index: int) -> dict[str, Raw]:
        message = {"role": raw.of("assistant"), "content": raw.NULL} | self._message.whole()
        if self._details:
            message["reasoning_details"] = raw.of(
                [raw.of(detail.whole()) for detail in self._details.values()]
            )
        if calls := self._calls.whole():
            message["tool_calls"] = raw.of(calls)
        for key in ("function_call", "audio"):
            if found := self._nested[key].whole():
                message[key] = raw.of(found)
        choice = {"index": raw.of(index), "message": raw.of(message)} | self._own.whole()
        if logprobs := self._nested["logprobs"].whole():
            choice["logprobs"] = raw.of(logprobs)
        choice["finish_reason"] = finish(self._finish, message)
        return choice


def finish(reason: Raw, message: dict[str, Raw]) -> Raw:
    """The finish_reason, which no client may find missing in an answer that ended well."""
    if not raw.blank(reason):
        return reason
    return raw.of("stop") if raw.blank(message.get("tool_calls", raw.NULL)) else TOOL_CALLS


def answer_members(value: Raw) -> dict[str, Raw]:
    """An object's members, `arguments` as text even where it came as an object; {} for anything else."""
    fields = raw.fields(value) if raw.kind(value) == b"{" else {}
    if raw.kind(fields.get("arguments", raw.NULL)) in (b"{", b"["):
        fields["arguments"] = raw.of(bytes(fields["arguments"]).decode())
    return fields


def any_objects(value: Raw) -> list[dict[str, Raw]]:
    """The objects in a list, unparsed; [] for anything else."""
    items = raw.items(value) if raw.kind(value) == b"[" else []
    return [raw.fields(item) for item in items if raw.kind(item) == b"{"]


def as_text(content: Raw) -> Raw:
    """Content as one string, where it came as a list of parts."""
    if raw.kind(content) != b"[":
        return content
    texts = (part.get("text", raw.NULL) for part in any_objects(content))
    return _joined([bytes(text) for text in texts if raw.is_text(text)])
