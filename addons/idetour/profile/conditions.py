"""The words of `when`: the type of each one's value, and what an editor shows of it.

What a word means is in `routes/<word>.py`; here is what may be written.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator

from idetour.profile import hours, pattern
from idetour.profile.problem import near
from idetour.profile.source import resolve
from idetour.profile.values import TEXT, TEXTS, Flag, Lone, Looks, Short, Within, lone, shown, wrong

Kind = Literal["agent", "plan", "chat", "completion", "title", "summary", "commit", "apply"]
KINDS: tuple[str, ...] = get_args(Kind)
LABELS = ("debug", "refactor", "explain", "tests", "docs", "review", "translate", "write_code", "chat")


def regex(text: str) -> str | None:
    """What stands between the slashes of `/…/`; None for plain words."""
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] == "/" else None


def _phrase(text: str) -> str:
    if not text.strip():
        raise wrong("holds an empty text, which would match everything")
    if (inner := regex(text)) is not None:
        try:
            pattern.read(inner)
        except ValueError as error:
            raise wrong(f"{error}") from None
    return text


def _hours(text: str) -> str:
    try:
        hours.read(text)
    except ValueError as error:
        raise wrong(f"{error}", "a night may cross midnight: fri 22:00-07:00") from None
    return text


def _path(text: str) -> str:
    if not text.startswith(("/", "*")):
        raise wrong(f"has to begin with /, not {shown(text)}", "such as /v1/messages, or /team-a/*")
    return text


def _client(text: str) -> str:
    if len(text.strip("…")) < 3:
        raise wrong(
            f"is too short to tell clients apart: {shown(text)}", "a part of the user agent, or …1234"
        )
    return text


def _tools(data: Any) -> Any:
    value = resolve(data)
    return value if isinstance(value, bool) else _some(_texts(lone(data)))


def _texts(data: Any) -> list[str]:
    if not isinstance(data, list) or not all(isinstance(name, str) for name in data):
        raise wrong("has to be true, false, or names of tools")
    return data


def _labels(data: Any) -> Any:
    """A label, or a list of them, stands for labels without examples."""
    names = lone(data) if isinstance(data, str) else data
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return data
    return {name: [] for name in names}


def _label(name: str) -> str:
    if not name.strip():
        raise wrong("has a label without a name")
    return name


def _examples(labels: dict[str, list[str]]) -> dict[str, list[str]]:
    for name, examples in _some(labels).items():
        if not examples and name not in LABELS:
            hint = near(name, LABELS) or f"built in are: {', '.join(LABELS)}"
            raise wrong(f"knows no '{name}': give examples, {{ {name}: [a sentence, another] }}", hint)
        if any(not example.strip() for example in examples):
            raise wrong(f"has an empty example for '{name}'")
    return labels


def _some[T: (list[str], dict[str, list[str]])](data: T) -> T:
    if not data:
        raise wrong("is empty, so it could never hold")
    return data


SOME = AfterValidator(_some)
Count = Annotated[int, Within(1, whole=True)]
Examples = Annotated[list[str], Lone()]

WORDS: dict[str, tuple[Any, str]] = {  # the type of a word's value, and its description for editors
    "says": (
        Annotated[list[Annotated[str, AfterValidator(_phrase)]], SOME, Lone()],
        "Words, or /a regular expression/, in what the user said last. One is enough.",
    ),
    "about": (
        Annotated[
            dict[Annotated[str, AfterValidator(_label)], Examples],
            AfterValidator(_examples),
            Short({"anyOf": [TEXT, TEXTS]}, _labels),
        ],
        f"What the user wants: {', '.join(LABELS)}; or labels of your own with examples. One is enough.",
    ),
    "kind": (
        Annotated[list[Kind], SOME, Lone()],
        "What the IDE sends this request for. One is enough.",
    ),
    "tokens_over": (Count, "The whole request, as estimated, is more than so many tokens."),
    "tokens_under": (Count, "The whole request, as estimated, is less than so many tokens."),
    "images": (Flag, "Whether there is a picture in the conversation."),
    "tools": (
        Annotated[
            bool | list[str],
            BeforeValidator(_tools),
            Looks({"anyOf": [{"type": "boolean"}, TEXT, TEXTS]}),
        ],
        "Whether the model may call tools; or names of tools, of which one is enough.",
    ),
    "path": (
        Annotated[list[Annotated[str, AfterValidator(_path)]], SOME, Lone()],
        "The path that was asked, such as /v1/messages; * stands for anything. One is enough.",
    ),
    "client": (
        Annotated[list[Annotated[str, AfterValidator(_client)]], SOME, Lone()],
        "A part of the user agent; or the access key, by its last four: …1234. One is enough.",
    ),
    "time": (
        Annotated[list[Annotated[str, AfterValidator(_hours)]], SOME, Lone()],
        "By this machine's clock: 22:00-07:00, sat, mon-fri 09:00-18:00. One is enough.",
    ),
    "share": (Annotated[float, Within(0, 1)], "This share of the conversations, from 0 to 1."),
}
