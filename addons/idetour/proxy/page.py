"""How a conversation is laid out: a heading for each turn, its parts below, what is long or old folded."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unicodedata import east_asian_width

import msgspec

from idetour.proxy.parts import Part, shown, size, word
from idetour.wire import raw
from idetour.wire.usage import Usage

WIDTH = 88  # columns of prose and of a heading: mitmweb does not break lines
UNFOLDED = 4  # turns at the end that are shown in full; and the user's newest words
MOST_TEXT = 20_000  # characters of a part that are shown in full
FOLDED_LINES, FOLDED_TEXT = 6, 600  # what a folded part shows
SYSTEM = ("system", "developer")


@dataclass(slots=True)
class Turn:
    role: str
    parts: list[Part]
    folded: bool = False


@dataclass(slots=True)
class Answer:
    turns: list[Turn]
    finish: str = ""
    usage: Any = None
    fault: Any = None
    notes: list[str] = field(default_factory=list)


def fold(turns: list[Turn]) -> list[Turn]:
    """Fold the system prompt, and what is old; the user's newest words stay."""
    newest = max((place for place, each in enumerate(turns) if each.role == "user"), default=0)
    for place, each in enumerate(turns):
        each.folded = each.role in SYSTEM or (place < len(turns) - UNFOLDED and place != newest)
    return turns


def ending(made: Answer) -> Iterator[str]:
    """How it ended, what went wrong, what it cost."""
    if made.fault:
        yield from ("", heading("error"), fault(made.fault))
    words = [f"finish {made.finish}"] if made.finish else []
    if made.usage and (usage := Usage.read(raw.of(made.usage))):
        words.append(spent(usage, made.usage))
    words += made.notes
    if words:
        yield from ("", heading("end"), *words)


def fault(said: Any) -> str:
    if not isinstance(said, dict):
        return shown(said)
    code = said.get("code") or said.get("type")
    return (word(said, "message") or shown(said)) + (f" ({code})" if code else "")


def spent(usage: Usage, said: dict[str, Any]) -> str:
    """Tokens. Anthropic counts what it read from its cache, and wrote into it, beside the input."""
    counts = [said.get(f"cache_{each}_input_tokens") for each in ("read", "creation")]
    read, wrote = (count if isinstance(count, int) else 0 for count in counts)
    cached = usage.cached or read
    words = f"tokens {usage.prompt + read + wrote:,} in"
    words += f" ({cached:,} cached)" if cached else ""
    words += f", {usage.completion:,} out"
    return words + (f" ({usage.reasoning:,} reasoning)" if usage.reasoning else "")


def layout(turns: Iterable[Turn]) -> Iterator[str]:
    names: dict[str, str] = {}
    for each in turns:
        yield from ("", heading(each.role))
        names |= {part.id: part.name for part in each.parts if part.kind == "call"}
        for part in each.parts or [Part("note", "", "nothing said")]:
            yield from block(part, names, folded=each.folded)


def heading(title: str) -> str:
    return f"── {title} ".ljust(WIDTH, "─")


def block(part: Part, names: dict[str, str], *, folded: bool) -> Iterator[str]:
    """A part's lines; all but plain text are indented below a line that says what they are."""
    text = part.text.rstrip("\n")
    match part.kind:
        case "text":
            yield from wrapped(cut(text, folded=folded), WIDTH)
            return
        case "thinking":
            yield "(thinking)"
        case "call":
            yield f"→ {part.name}  {part.id}".rstrip()
        case "result":
            words = ("← result", names.get(part.id, ""), part.name, f" {part.id}")
            yield " ".join(filter(None, words)).rstrip()
        case _:
            yield f"[{part.name}]"
    if text:
        lines = cut(text, folded=folded)
        prose = part.kind == "thinking"
        yield from (f"    {line}" for line in (wrapped(lines, WIDTH - 4) if prose else lines))


def cut(text: str, *, folded: bool) -> Iterator[str]:
    """The lines of a text, as many as are shown, and how much is not."""
    most = FOLDED_TEXT if folded else MOST_TEXT
    lines = text[:most].split("\n")
    if folded:
        lines = lines[:FOLDED_LINES]
    yield from lines
    if left := len(text) - len("\n".join(lines)):
        yield f"… {left:,} more characters"


def wrapped(lines: Iterable[str], width: int) -> Iterator[str]:
    """Prose, broken where a line is full: between words, and where there are none, as in Chinese, anywhere."""
    for line in lines:
        while (fits := columns(line, width)) < len(line):
            at = line.rfind(" ", 1, fits + 1)
            at = fits if at <= 0 or not line[fits - 1].isascii() else at
            yield line[:at]
            line = line[at:].lstrip(" ")
        yield line


def columns(line: str, width: int) -> int:
    """How many characters of a line fit; those of Chinese, Japanese and Korean take two columns."""
    if line.isascii() or 2 * len(line) <= width:
        return min(len(line), width)
    for place, char in enumerate(line):
        width -= 2 if east_asian_width(char) in "WF" else 1
        if width < 0:
            return max(place, 1)
    return len(line)


def plain(body: bytes, problem: Exception) -> str:
    """What is no conversation: why, and the bytes as they are; JSON with indents, where all of it is shown."""
    if body and len(body) <= MOST_TEXT:
        with contextlib.suppress(ValueError, RecursionError):
            body = msgspec.json.format(body, indent=2)
    lines = [f"{problem}.", "", body[:MOST_TEXT].decode("utf-8", "replace")]
    if len(body) > MOST_TEXT:
        lines.append(f"… {size(len(body) - MOST_TEXT)} more")
    return "\n".join(lines)
