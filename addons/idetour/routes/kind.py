"""`kind`: what the IDE sends the request for, told by its shape.

Beside what the user asks, IDEs ask things of their own: a title for the
conversation, a commit message, the rest of a line. These need a small and quick
model, and they say in fixed words what they are. The first that fits is the kind.
"""

import re
from collections.abc import Callable, Sequence

from idetour.routes.asked import Asked, Verdict
from idetour.routes.spoken import bounded
from idetour.wire import raw, turns

HEAD = 4_000  # characters in which an IDE says what it wants

_TALK = r"(?:conversation|chat|session|thread|dialog(?:ue)?)"
_MAKE = r"(?:generate|create|write|provide|suggest|produce|come up with|give)"
TITLE = re.compile(
    rf"{_MAKE}[^.\n]{{0,60}}\btitle\b|\btitle (?:for|of) (?:the|this|a) {_TALK}|new {_TALK} topic"
    r"|(?:生成|起|拟|概括)[^。\n]{0,20}标题",
    re.IGNORECASE,
)
SUMMARY = re.compile(
    rf"(?:summary|summari[sz]e|compact)[^.\n]{{0,30}}\b{_TALK}\b|(?:总结|概括|压缩)[^。\n]{{0,12}}(?:对话|会话)",
    re.IGNORECASE,
)
COMMIT = re.compile(
    rf"{_MAKE}[^.\n]{{0,60}}\bcommit messages?\b|(?:生成|写|编写)[^。\n]{{0,20}}提交(?:信息|说明|消息)",
    re.IGNORECASE,
)

# In lower case, wherever they stand.
COMPACT = (
    "summary of the conversation so far",
    "summary of our conversation so far",
    "summarize our conversation so far",
)
APPLY = ("<update>", "<update_snippet>", "<code_edit>", "merge all changes from the", "apply the following edit",
         "apply the following change", "apply the following diff", "应用以下修改", "应用下面的修改", "合并以下修改")  # fmt: skip
HOLE = ("<|fim_", "<fim_", "<｜fim", "<pre>", "[suffix]", "{{fill_here}}", "<|cursor|>", "<|user_cursor", "code completion",
        "autocomplet", "fill-in-the-middle", "fill in the middle", "代码补全", "光标处")  # fmt: skip
PLAN = ("plan mode is active", "plan mode is still active", "you are in plan mode", "# plan mode", "规划模式")
AGENT = ("you have access to a set of tools", "tool use\n", "# tools\n")


def judge(said: Sequence[str], asked: Asked) -> Verdict:
    found = kind(asked)
    return Verdict(found in said, f"it is of the kind {found}")


def kind(asked: Asked) -> str:
    """One of `profile.conditions.KINDS`."""
    return next(name for name, fits in SHAPES.items() if fits(asked))


def holds(asked: Asked, phrases: Sequence[str]) -> bool:
    """Whether the IDE says one of these, in the system prompt or around what the user said."""
    text = f"{bounded(asked.system)}\n{bounded(asked.wrapped)}".lower()
    return any(phrase in text for phrase in phrases)


def says(asked: Asked, shape: re.Pattern[str]) -> bool:
    """Whether this is what the request begins with. What an IDE wants for itself comes without tools."""
    return not asked.tools and any(shape.search(text[:HEAD]) for text in (asked.system, asked.wrapped))


def completes(asked: Asked) -> bool:
    """A hole in code to be filled: marks around it, or a `suffix` beside the prompt."""
    beside = turns.string(asked.request.fields.get("suffix", raw.NULL))
    return bool(beside) or (not asked.tools and holds(asked, HOLE))


SHAPES: dict[str, Callable[[Asked], bool]] = {
    "summary": lambda asked: says(asked, SUMMARY) or holds(asked, COMPACT),
    "commit": lambda asked: says(asked, COMMIT),
    "title": lambda asked: says(asked, TITLE),
    "completion": completes,
    "apply": lambda asked: not asked.tools and holds(asked, APPLY),
    "plan": lambda asked: holds(asked, PLAN),
    "agent": lambda asked: bool(asked.tools) or asked.follows or holds(asked, AGENT),
    "chat": lambda asked: True,
}
