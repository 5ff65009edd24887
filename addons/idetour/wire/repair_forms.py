"""How models write tool calls where no server reads them: each notation, and what it means.

    Hermes, Qwen     <tool_call>{"name": …, "arguments": {…}}</tool_call>    also <function_call>
    Qwen3-Coder      <tool_call><function=name><parameter=key>value</parameter></function></tool_call>
    GLM              <tool_call>name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>
    Llama            <|python_tag|>{"name": …, "parameters": {…}}    <function=name>{…}</function>
    Mistral          [TOOL_CALLS][{"name": …, "arguments": {…}}]    [TOOL_CALLS]name[ARGS]{…}
    DeepSeek         <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>name … <｜tool▁calls▁end｜>
    Kimi             <|tool_calls_section_begin|><|tool_call_begin|>functions.name:0 … <|tool_calls_section_end|>
    many             {"name": …, "arguments": {…}} as the whole answer, or fenced as ```json at its end

The chat templates of these families are where the notations are defined.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw

from idetour.wire import raw
from idetour.wire.repair_json import mended
from idetour.wire.repair_types import Offered, typed
from idetour.wire.turns import any_members, string


class Found(NamedTuple):
    """A call: `arguments` are the JSON of an object; the id is the model's own, if it gives any."""

    name: str
    arguments: str
    id: str = ""


class Form(NamedTuple):
    """A notation: how it begins and ends ("": with the answer), what may come first inside, and who reads it.

    `reader` gives the calls, or none where the text is not what it seemed. `last`: nothing may follow.
    """

    opening: str
    closing: str
    first: str
    reader: Callable[[str, Offered], list[Found]]
    last: bool = False

    def read(self, inside: str, offered: Offered) -> list[Found]:
        """The calls, if all of them are of tools that were offered."""
        found = self.reader(inside, offered)
        return found if all(each.name in offered for each in found) else []


_values = msgspec.json.Decoder(list[Raw])
_GAP = re.compile(r"[\s;]*")
_next = json.JSONDecoder().raw_decode


def as_json(text: str, offered: Offered) -> list[Found]:
    """One object, a list of them, or several one after the other."""
    text = text.strip().removesuffix("<|eom_id|>").removesuffix("<|eot_id|>").strip()
    if not text.startswith("["):
        one = _object(text)
        return [one] if one else _all([_object(part) for part in _several(text)])
    try:
        parts = _values.decode(text)
    except (ValueError, RecursionError):
        return []
    return _all([_object(bytes(part).decode()) for part in parts])


def _several(text: str) -> list[str]:
    """JSON values behind each other, with space or `;` between them; none where there is anything else."""
    found, at = [], 0
    while at < len(text):
        try:
            _, end = _next(text, at)
        except (ValueError, RecursionError):
            return []
        found.append(text[at:end])
        between = _GAP.match(text, end)
        at = between.end() if between else end
    return found


def _object(text: str) -> Found | None:
    """`{"name", "arguments"}` in its variations: `parameters`, or all of it inside `function`."""
    right = mended(text)
    if right is None:
        return None
    fields = any_members(Raw(right.encode(errors="replace")))
    if raw.kind(fields.get("function", raw.NULL)) == b"{":
        fields = fields | any_members(fields["function"])
    name = string(fields.get("name", fields.get("function", raw.NULL)))
    said = fields.get("arguments", fields.get("parameters", raw.EMPTY_OBJECT))
    arguments = mended(string(said) if raw.is_text(said) else bytes(said).decode())
    return Found(name, arguments, string(fields.get("id", raw.NULL))) if name and arguments else None


def _all(found: Sequence[Found | None]) -> list[Found]:
    """All or none: half of what a model wanted is not what it wanted."""
    return [each for each in found if each] if None not in found else []


def _between(text: str, opening: str, closing: str, *, rest: bool = False) -> Iterator[str]:
    """What stands between two marks, piece by piece; with `rest`, the last closing mark may be missing.

    Regular expressions would be shorter, and take minutes for what a confused model may write.
    """
    at = text.find(opening)
    while at >= 0:
        start = at + len(opening)
        end = text.find(closing, start)
        if end >= 0 or rest:
            yield text[start:end] if end >= 0 else text[start:]
        at = text.find(opening, end) if end >= 0 else -1


def tagged(text: str, offered: Offered) -> list[Found]:
    """What stands in `<tool_call>`: JSON, or one of the two notations like XML."""
    text = text.strip()
    if text.startswith("<function="):
        return functions(text, offered)
    name, mark, _ = text.partition("<arg_key>")
    if not mark and text not in offered:
        return as_json(text, offered)
    pairs = [each.partition("</arg_key>") for each in _between(text, "<arg_key>", "</arg_value>")]
    values = {key.strip(): value.partition("<arg_value>")[2] for key, _, value in pairs}
    return [_typed(name.strip(), values, offered)]


def functions(text: str, offered: Offered) -> list[Found]:
    """`<function=name>` with parameters, or with JSON."""
    found: list[Found | None] = []
    for part in _between(text, "<function=", "</function>", rest=True):
        name, _, inside = part.partition(">")
        name, inside = name.strip(), inside.strip()
        if inside.startswith("{"):
            arguments = mended(inside)
            found.append(Found(name, arguments) if arguments else None)
        elif inside and not inside.startswith("<parameter="):
            return []
        else:
            found.append(_typed(name, _parameters(inside), offered))
    return _all(found)


def _parameters(text: str) -> dict[str, str]:
    """The line ends right inside the tags are the template's; all other space is the value's."""
    values = {}
    for part in text.split("<parameter=")[1:]:
        key, _, value = part.partition(">")
        value = value.rstrip().removesuffix("</parameter>")
        values[key.strip()] = value.removeprefix("\n").removesuffix("\n")
    return values


def _typed(name: str, values: dict[str, str], offered: Offered) -> Found:
    schemas = offered.get(name, {})
    arguments = {key: typed(value, schemas.get(key)) for key, value in values.items()}
    return Found(name, msgspec.json.encode(arguments).decode())


def mistral(text: str, offered: Offered) -> list[Found]:
    """A list, or since v11 `name[ARGS]{…}`, each after a mark of its own."""
    text = text.strip().removesuffix("</s>")
    if text.startswith(("[", "{")):
        return as_json(text, offered)
    return _all([_named(part, "[ARGS]") for part in text.split("[TOOL_CALLS]")])


def _named(text: str, mark: str) -> Found | None:
    """A name, perhaps with an id, before JSON."""
    head, found, arguments = text.partition(mark)
    name, _, id = head.partition("[CALL_ID]")
    right = mended(arguments.strip()) if found else None
    return Found(name.strip(), right, id.strip()) if right else None


def deepseek(text: str, offered: Offered) -> list[Found]:
    """`function`, name and fenced JSON; since V3.1 name and JSON."""
    found: list[Found | None] = []
    for inside in _between(text, "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"):
        _, _, rest = inside.partition("<｜tool▁sep｜>")
        name, _, fenced = rest.strip().partition("```json")
        if fenced:
            found.append(_named(f"{name}```{fenced.removesuffix('```')}", "```"))
        else:
            found.append(_named(inside, "<｜tool▁sep｜>"))
    return _all(found)


def kimi(text: str, offered: Offered) -> list[Found]:
    """The id is `functions.name:number`, and Kimi wants it back as it is."""
    found: list[Found | None] = []
    for part in _between(text, "<|tool_call_begin|>", "<|tool_call_end|>"):
        id, mark, said = part.partition("<|tool_call_argument_begin|>")
        arguments, id = mended(said.strip()) if mark else None, id.strip()
        name = id.removeprefix("functions.").partition(":")[0]
        found.append(Found(name, arguments, id) if arguments else None)
    return _all(found)


def bare(text: str, offered: Offered) -> list[Found]:
    """Has to name its arguments: much JSON has a name."""
    return as_json(text, offered) if '"arguments"' in text or '"parameters"' in text else []


TAGGED = (
    Form("<tool_call>", "</tool_call>", "{[<", tagged),
    Form("<function_call>", "</function_call>", "{[", as_json),
    Form("<function=", "</function>", "", lambda text, offered: functions("<function=" + text, offered)),
    Form("<|python_tag|>", "", "{[", as_json),
    Form("[TOOL_CALLS]", "", "", mistral),
    Form("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<", deepseek),
    Form("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<", kimi),
)
FENCED = Form("```json", "```", "{[", bare, last=True)
BARE = Form("", "", "{[", bare)


KEYS = ("name", "arguments", "parameters", "function", "type", "id")
ENOUGH = 200  # characters that tell whether it can be a call
_BEGINNING = re.compile(r'(?:\[\s*)?\{\s*(?:"(\w*)("\s*:\s*(?:"([^"]*)("?))?)?)?')


def plausible(form: Form, inside: str, offered: Offered) -> bool:
    """Whether what has come so far can become calls: text that cannot does not wait for an end."""
    start = inside[:ENOUGH].lstrip()
    if not start:
        return len(inside) < ENOUGH
    if form.reader is tagged and start[0] not in form.first:  # GLM writes the name first
        name = start.partition("<")[0].strip()
        return any(each.startswith(name) for each in offered)
    if form.first and start[0] not in form.first:
        return False
    return form.reader is not bare or _begins(start, offered)


def _begins(start: str, offered: Offered) -> bool:
    """Whether JSON begins with a member of a call; the name has to be one that was offered."""
    found = _BEGINNING.match(start)
    if not found:
        return start.strip() == "["
    key, colon, value, closed = found.groups()
    if not colon:
        return any(each.startswith(key or "") for each in KEYS) and found.end() >= len(start) - 1
    if key == "name" and value is not None:
        return value in offered if closed else any(each.startswith(value) for each in offered)
    return key in KEYS
