"""The rules of `schema.py` applied to a file: pydantic's errors in the user's words, each at its place in the file."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from idetour.profile.problem import Problem, near
from idetour.profile.schema import Words
from idetour.profile.source import Loc, Source
from idetour.profile.values import shown


def validate[W: Words](source: Source, whole: type[W]) -> tuple[W | None, list[Problem]]:
    """What `source` says by the rules of `whole`, or everything that those refuse."""
    try:
        return whole.model_validate(source.data), []
    except ValidationError as error:
        return None, [_problem(details, source, whole) for details in error.errors(include_url=False)]


def written_out(spec: Words) -> dict[str, Any]:
    """What was stated, in YAML's words and without short forms."""
    return spec.model_dump(by_alias=True, exclude_unset=True)


def _problem(details: ErrorDetails, source: Source, whole: type[Words]) -> Problem:
    loc, kind, found = details["loc"], details["type"], details["input"]
    context = details.get("ctx", {})
    words = _kind_at(whole, loc[:-1] if kind in ("missing", "extra_forbidden") else loc)
    match kind:
        case "extra_forbidden":
            message, hint = _unknown(str(loc[-1]), words)
            return source.problem(loc, message, hint=hint, key=True)
        case "missing":
            return source.problem(loc[:-1], f"{words.what} needs '{loc[-1]}'", key=True)
        case "said":
            message, hint = f"{_name(loc)} {context['message']}", context["hint"]
        case "literal_error":
            allowed = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            message = f"{_name(loc)} has to be {context['expected'].replace("'", '')}, not {shown(found)}"
            hint = near(str(found), allowed)
        case "model_type" | "model_attributes_type" | "dict_type":
            message, hint = (
                f"{_name(loc)} has to be a mapping, not {shown(found)}",
                "write `name: value` below it",
            )
        case "list_type" | "tuple_type":
            message, hint = f"{_name(loc)} has to be a list, not {shown(found)}", ""
        case "string_type":
            message, hint = f"{_name(loc)} has to be text, not {shown(found)}", ""
        case _:
            message, hint = f"{_name(loc)}: {details['msg']}", ""
    return source.problem(loc, message, hint=hint)


def _unknown(word: str, words: type[Words]) -> tuple[str, str]:
    known = words.known()
    listed = f"it knows: {', '.join(known)}" if known else "there are no words yet"
    return f"'{word}' is not a word of {words.what}", near(word, known) or listed


def _name(loc: Loc) -> str:
    """The word or name that a fault stands at: the last step that is not a number."""
    return next(
        (f"'{step}'" for step in reversed(loc) if isinstance(step, str) and step != "[key]"), "the file"
    )


def _kind_at(kind: Any, loc: Loc) -> type[Words]:
    """The mapping of the schema that `loc` leads to."""
    for step in loc:
        kind = _bare(kind)
        if isinstance(kind, type) and issubclass(kind, Words):
            fields = kind.model_fields.items()
            kind = next((field.annotation for name, field in fields if step in (name, field.alias)), Any)
        elif get_args(kind):
            kind = get_args(kind)[-1]
    kind = _bare(kind)
    return kind if isinstance(kind, type) and issubclass(kind, Words) else Words


def _bare(kind: Any) -> Any:
    while get_origin(kind) in (Annotated, Union, UnionType):
        kind = get_args(kind)[0]
    return kind
