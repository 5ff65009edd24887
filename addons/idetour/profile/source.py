"""A YAML file as plain data that remembers where everything is written.

PyYAML follows YAML 1.1, where `no` is false, `012` is 10 and `12:30` is 750. So
a plain scalar stays as it is written until the schema says that a value is
meant: `resolve` then reads it by the core rules of YAML 1.2.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from idetour.profile.problem import Problem, ProfileError

type Loc = Sequence[str | int]

MOST = 100_000  # values in a file, aliases written out: a dozen lines of them can mean billions
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # where YAML ends a line
_INT = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")  # longer ones do not fit 64 bits
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,2})?")
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = {"", "~", "null", "Null", "NULL"}
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map", "merge", "null")}
_SECRET = re.compile(  # the shapes of keys, and what stands before the @ of a URL
    r"\b(?:sk|nvapi|ms|gsk|hf)[-_][\w-]{6,}|\b[A-Za-z0-9_]{32,}|(?<=://)[^/\s]+(?=@)"
)
_AFTER_KEY = re.compile(r"""(\b(?:key|access)["']?:\s*)(?!client\b|[\["'\s]*\$)([^\s$].*)""")
_HINTS = {  # PyYAML's words → what to do
    r"'\t'": "indent with spaces, not tabs",
    "mapping values are not allowed": "is this line indented too far, or does a text with ': ' lack quotes?",
    "could not find expected ':'": "each line is `name: value`; a colon is missing",
    "but got '?'": "put the value in quotes",
    "cannot start any token": "put the value in quotes",
    "expected <block end>": "is this line indented as its neighbours are?",
    "expected ',' or": "the bracket that was opened in line {line} is not closed",
    "end of stream": "what begins here is not closed",
    "another document": "one file holds one profile: remove the `---`",
}


class Scalar(str):
    """A scalar written without quotes, of which only the schema knows whether it is a name or a value."""

    __slots__ = ()


def resolve(data: Any) -> Any:
    """The value that plain scalars stand for, at any depth. Infinities are no JSON: they stay text."""
    if isinstance(data, dict):
        return {key: resolve(value) for key, value in data.items()}
    if isinstance(data, list):
        return [resolve(value) for value in data]
    if not isinstance(data, Scalar):
        return data
    if data in _WORDS:
        return _WORDS[data]
    if _INT.fullmatch(data):
        return int(data, 0) if data[:2] in ("0o", "0x") else int(data)
    return float(data) if _FLOAT.fullmatch(data) and len(data) <= 40 else str(data)


def covered(text: str) -> str:
    """A profile's text with bullets over what looks like a key, whether it can be read or not."""
    text = _AFTER_KEY.sub(lambda found: found[1] + "•" * len(found[2]), text)
    return _SECRET.sub(_bullets, text)


def _bullets(found: re.Match[str]) -> str:
    return "•" * len(found[0])


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {"<": [("tag:yaml.org,2002:merge", re.compile("^<<$"))]}  # noqa: RUF012


class Source:
    """The text of a file, what it says, and the place of every part.

    `data` has mappings, lists, text, `Scalar` and None. Raises ProfileError where the file cannot be
    read or is not YAML; every duplicate key and stray tag is named.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._secrets: set[str] = set()
        self._faults: list[Problem] = []
        self._known: dict[int, Any] = {}
        text = _text(path)
        self._lines = _BREAK.split(text)
        self._root = self._compose(text)
        self.data = self._plain(self._root)
        if self._faults:
            raise ProfileError(self._faults)
        if _weight(self.data, {}) > MOST:
            raise self._whole("aliases (*) repeat so much that the file would not fit into memory")

    def problem(self, loc: Loc, message: str, *, hint: str = "", key: bool = False) -> Problem:
        """A problem at the value that `loc` leads to, or at the value's key."""
        own, value = self._find(loc)
        return self._at((own if key and own else value).start_mark, message, hint)

    def line(self, loc: Loc) -> int:
        """The line of the key that `loc` leads to."""
        own, value = self._find(loc)
        return int((own or value).start_mark.line) + 1

    def _find(self, loc: Loc) -> tuple[yaml.Node | None, yaml.Node]:
        """The key and the value that `loc` leads to; short forms lack steps, which are passed over."""
        own, node = None, self._root
        for step in loc:
            if isinstance(node, yaml.MappingNode):
                pairs = [pair for pair in node.value if pair[0].value == str(step)]
                own, node = pairs[-1] if pairs else (own, node)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                own, node = None, node.value[step]
        return own, node

    def _compose(self, text: str) -> yaml.Node:
        self._loader: yaml.SafeLoader | None = None
        try:
            self._loader = _Loader(text)
            root = self._loader.get_single_node()
        except yaml.reader.ReaderError as error:
            line = len(_BREAK.split(text[: error.position]))
            raise self._whole(f"line {line} holds a character that YAML does not allow") from None
        except yaml.MarkedYAMLError as error:
            raise ProfileError([self._syntax(error)]) from None
        except (ValueError, OverflowError):  # PyYAML's chr() of an escape such as "\UFFFFFFFF"
            raise self._whole("an escape in a quoted text names no character") from None
        except RecursionError:
            raise self._whole("brackets are nested too deeply") from None
        if root is None:
            raise self._whole("the file is empty", "the shortest profile is one line: offer: available")
        return root

    def _plain(self, node: yaml.Node) -> Any:
        if id(node) in self._known:
            return self._known[id(node)]
        self._known[id(node)] = None
        if node.tag not in _PLAIN_TAGS:
            self._fault(node, "tags have no meaning in a profile", "remove the word that begins with '!'")
        if isinstance(node, yaml.MappingNode):
            value: Any = self._mapping(node)
        elif isinstance(node, yaml.SequenceNode):
            value = [self._plain(child) for child in node.value if self._acyclic(node, child)]
        else:
            assert isinstance(node, yaml.ScalarNode)
            value = self._scalar(node)
        self._known[id(node)] = value
        return value

    def _scalar(self, node: yaml.ScalarNode) -> str | None:
        if not node.value.isascii() and any("\ud800" <= char <= "\udfff" for char in node.value):
            self._fault(node, "half a character: a surrogate cannot stand alone")
        if node.style:
            return str(node.value)
        return None if node.value in _NULL else Scalar(node.value)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        first: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, "a name has to be one word or text", "a text with braces needs quotes")
            elif key.value in first and key.tag in _PLAIN_TAGS:
                line = first[key.value].start_mark.line + 1
                self._fault(key, f"'{key.value}' is written twice", f"the first is in line {line}")
            else:
                first[key.value] = key
        if self._faults:
            node.value = [pair for pair in node.value if isinstance(pair[0], yaml.ScalarNode)]
        self._merge(node)
        for key, value in node.value:
            if key.value in ("key", "access"):
                self._hide(value)
        return {str(key.value): self._plain(value) for key, value in node.value if self._acyclic(node, value)}

    def _merge(self, node: yaml.MappingNode) -> None:
        try:
            assert self._loader is not None
            self._loader.flatten_mapping(node)
        except yaml.MarkedYAMLError as error:
            self._faults.append(self._syntax(error))
            node.value = []
        except RecursionError:
            raise self._whole("an alias holds itself") from None

    def _acyclic(self, node: yaml.Node, child: yaml.Node) -> bool:
        """Whether the child is not one of the nodes that are still being read around it."""
        open_ = isinstance(child, yaml.CollectionNode) and self._known.get(id(child), child) is None
        if open_:
            self._fault(node, "an alias holds itself")
        return not open_

    def _hide(self, node: yaml.Node) -> None:
        for scalar in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            text = scalar.value if isinstance(scalar, yaml.ScalarNode) else ""
            if len(text) >= 4 and text[0] != "$" and text != "client":
                self._secrets.add(text)

    def _at(self, mark: Any, message: str, hint: str = "") -> Problem:
        line = self._lines[mark.line] if mark.line < len(self._lines) else ""
        return Problem(
            path=self.path,
            line=mark.line + 1,
            column=mark.column + 1,
            message=message,
            hint=hint,
            source_line=self._covered(line),
        )

    def _covered(self, line: str) -> str:
        """The line with bullets over its keys: an error is copied into chats and issue trackers."""
        for secret in self._secrets:
            line = line.replace(secret, "•" * len(secret))
        # What is not YAML has no keys that anybody knows yet.
        return _SECRET.sub(_bullets, line) if self._known else covered(line)

    def _fault(self, node: yaml.Node, message: str, hint: str = "") -> None:
        self._faults.append(self._at(node.start_mark, message, hint))

    def _syntax(self, error: yaml.MarkedYAMLError) -> Problem:
        said = (error.problem or error.context or "it breaks off").removeprefix("but ")
        hint = next((hint for words, hint in _HINTS.items() if words in said), "")
        opened, mark = error.context_mark, error.problem_mark or error.context_mark
        if opened and "end of stream" in said:
            mark = opened
        return self._at(
            mark, f"this is not YAML: {said}", hint.format(line=opened.line + 1 if opened else "")
        )

    def _whole(self, message: str, hint: str = "") -> ProfileError:
        return ProfileError([Problem(path=self.path, message=message, hint=hint)])


def _weight(data: Any, known: dict[int, int]) -> int:
    """How many values `data` holds, each as often as it is repeated."""
    if not isinstance(data, dict | list):
        return 1
    if id(data) not in known:
        parts = data.values() if isinstance(data, dict) else data
        known[id(data)] = 1 + sum(_weight(part, known) for part in parts)
    return known[id(data)]


def _text(path: Path) -> str:
    """The file's text, without a byte order mark."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        message, hint = "there is no such file", ""
    except IsADirectoryError:
        message, hint = "this is a folder", "name the .yaml file in it"
    except UnicodeDecodeError as error:
        message, hint = f"the file is not UTF-8 (byte {error.start})", "save it again as UTF-8"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        message, hint = f"the file cannot be read: {getattr(error, 'strerror', None) or error}", ""
    raise ProfileError([Problem(path=path, message=message, hint=hint)])
