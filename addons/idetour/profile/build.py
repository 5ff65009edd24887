"""From what a file says, checked and written out, to the data that the program uses.

The shipped catalog and every profile come through here: the catalog as it is
written, a profile after the schema has checked it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args
from urllib.parse import urlsplit

from idetour.profile import Effort, KnownModel, Manners, Model, Rule, Target, Thinking, Upstream
from idetour.secret import Secret

type Spec = Mapping[str, Any]
type Env = Mapping[str, str]

EFFORTS: tuple[Effort, ...] = get_args(Effort.__value__)
BUDGETS = {"low": 2048, "medium": 8192, "high": 16384, "max": 32768}  # tokens of thought; ours to choose
_ALIKE = ("title", "speaks", "login", "local")  # copied as they are
_MANNERS = {each.name for each in fields(Manners)} - {"accepts", "drop", "clamp"}  # likewise


def secrets(words: str | Iterable[str], env: Env) -> tuple[tuple[Secret, ...], tuple[str, ...]]:
    """The keys that `$NAME`s and literals give, and the names. A variable may hold several, with commas."""
    listed = [words] if isinstance(words, str) else list(words)
    names = tuple(word[1:] for word in listed if word.startswith("$"))
    found = [env.get(word[1:], "").split(",") if word.startswith("$") else [word] for word in listed]
    keys = dict.fromkeys(key.strip() for several in found for key in several if key.strip())
    return tuple(map(Secret, keys)), names


def upstream(name: str, spec: Spec, *, env: Env, base: Upstream | None = None, folder: Path) -> Upstream:
    """An upstream that says what `spec` states, and for the rest what `base` says."""
    known = base or Upstream(name=name, title=name, url=spec.get("url", ""))
    changes: dict[str, Any] = {word: spec[word] for word in _ALIKE if word in spec}
    if "url" in spec:
        changes["url"] = spec["url"].rstrip("/")
        # A key goes to its own upstream and nowhere else.
        if urlsplit(spec["url"]).netloc != urlsplit(known.url).netloc:
            changes |= {"keys": (), "key_names": (), "needs_key": False}
    if "key" in spec:
        words = [spec["key"]] if isinstance(spec["key"], str) else list(spec["key"])
        changes["client_key"] = "client" in words
        asked = [word for word in words if word != "client"]
        changes["keys"], changes["key_names"] = secrets(asked, env)
        changes["needs_key"] = bool(asked)
    if "proxy" in spec:
        proxy = spec["proxy"]
        changes["proxy"] = (env.get(proxy[1:]) or None) if proxy.startswith("$") else proxy
    if "ca" in spec:
        changes["ca"] = folder / Path(spec["ca"]).expanduser()
    headers = {**known.headers, **spec.get("headers", {})}
    return replace(known, name=name, headers=headers, manners=manners(spec).over(known.manners), **changes)


def manners(spec: Spec) -> Manners:
    """The manners that `spec` states."""
    stated: dict[str, Any] = {word: spec[word] for word in _MANNERS & spec.keys()}
    for word in ("accepts", "drop"):
        if word in spec:
            stated[word] = frozenset([spec[word]] if isinstance(spec[word], str) else spec[word])
    if "clamp" in spec:
        stated["clamp"] = {field: (low, high) for field, (low, high) in spec["clamp"].items()}
    return Manners(**stated)


def model(name: str, spec: Spec) -> Model:
    return Model(
        name=name,
        target=Target.parse(spec["to"]),
        defaults=spec.get("with", {}),
        always=spec.get("always", {}),
        drop=frozenset(spec.get("drop", ())),
        # `drop` of a model stands apart: it wins over what the profile itself adds.
        manners=manners({word: value for word, value in spec.items() if word != "drop"}),
        trim=spec.get("trim"),
    )


def rule(spec: Spec) -> Rule:
    return Rule(use=spec["use"], otherwise=tuple(spec.get("else", ())), when=spec.get("when"))


def known_model(target: Target, spec: Spec) -> KnownModel:
    return KnownModel(
        target=target,
        title=spec["title"],
        context=spec.get("context"),
        output=spec.get("output"),
        images=spec.get("images"),
        defaults=spec.get("with", {}),
        thinking=thinking(spec["thinking"]) if "thinking" in spec else None,
        manners=manners(spec),
        retired=spec.get("retired"),
        instead=Target.parse(spec["instead"]) if "instead" in spec else None,
    )


def thinking(spec: Spec) -> Thinking:
    """Each effort's fields, written out from the catalog's shorter notation (see `ThinkingSpec`)."""
    return Thinking(efforts=_each(spec), system=_each(spec.get("system", {})))


def _each(spec: Spec) -> Mapping[Effort, Any]:
    stated = {effort: spec.get(effort, None if effort == "off" else spec.get("on")) for effort in EFFORTS}
    return MappingProxyType(
        {effort: _filled(value, effort) for effort, value in stated.items() if value is not None}
    )


def _filled(value: Any, effort: Effort) -> Any:
    """`value` with $effort and $budget filled in."""
    if isinstance(value, dict):
        return {name: _filled(inner, effort) for name, inner in value.items()}
    if value == "$effort":
        return effort
    return BUDGETS.get(effort) if value == "$budget" else value
