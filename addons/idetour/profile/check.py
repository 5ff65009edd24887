"""What no schema can see: names that lead nowhere, keys in files, rules nobody reaches.

These look at the file as it is written, before any rule has accepted it: so
that a wrong word in one place hides no dangling name in another.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from idetour.profile import Catalog, Target
from idetour.profile.build import secrets
from idetour.profile.problem import Problem, near
from idetour.profile.schema import FIELDS
from idetour.profile.source import Loc, Source
from idetour.profile.values import RESULTS

type Place = tuple[str | int, ...]


def faults(source: Source, catalog: Catalog) -> Iterator[Problem]:
    """Everything that makes the profile unusable."""
    yield from _upstreams(source, catalog)
    yield from _targets(source, catalog)
    yield from _names(source, catalog)
    models, routes = _part(source.data, "models"), _part(source.data, "routes")
    for name in routes:
        if name in models:
            message = f"'{name}' is a route and, in line {source.line(('models', name))}, also a model"
            yield source.problem(("routes", name), message, hint="rename one of the two", key=True)


def warnings(source: Source, catalog: Catalog, env: Mapping[str, str]) -> Iterator[Problem]:
    """Everything the user should know of a profile that works."""
    yield from _literal_keys(source)
    yield from _absent_access(source, env)
    yield from _locked_out(source, env)
    yield from _retired(source, catalog)
    yield from _misspelled(source)
    yield from _windowless(source, catalog)
    yield from _unreachable(source)


def _upstreams(source: Source, catalog: Catalog) -> Iterator[Problem]:
    logins = {upstream.login for upstream in catalog.upstreams.values() if upstream.login}
    for name, spec in _part(source.data, "upstreams").items():
        loc = ("upstreams", name)
        if not name or "/" in name or " " in name:
            message = f"'{name}' cannot be the name of an upstream: targets are written upstream/model-id"
            yield source.problem(loc, message, hint="leave out '/' and blanks", key=True)
        stated = _part(spec)
        if name not in catalog.upstreams and not stated.get("url") and stated.get("login") not in logins:
            hint = near(name, catalog.upstreams) or "add `url: https://…/v1`"
            message = f"'{name}' needs a url: the catalog knows no upstream of this name"
            yield source.problem(loc, message, hint=hint, key=True)
        if stated.get("url") == "demo:" and stated.get("speaks", "demo") != "demo":
            yield source.problem((*loc, "url"), "'demo:' is the address of the scripted model only")
        ca = stated.get("ca")
        if isinstance(ca, str) and not _is_file(source.path.parent / Path(ca).expanduser()):
            yield source.problem((*loc, "ca"), "there is no such certificate file")


def _targets(source: Source, catalog: Catalog) -> Iterator[Problem]:
    upstreams = _known_upstreams(source, catalog)
    places: list[tuple[Place, Any]] = [
        (("models", name, "to"), spec) for name, spec in _part(source.data, "models").items()
    ]
    for loc, spec in [*places, (("embeddings", "to"), _part(source.data).get("embeddings"))]:
        upstream, slash, _ = _target(spec).partition("/")
        if upstream and slash and upstream not in upstreams:
            message = f"no upstream is called '{upstream}'"
            yield source.problem(loc, message, hint=near(upstream, upstreams))


def _names(source: Source, catalog: Catalog) -> Iterator[Problem]:
    upstreams, models = _known_upstreams(source, catalog), _part(source.data, "models")
    for loc, name, is_key in _uses(source.data):
        upstream, slash, model = name.partition("/")
        if name in models or (upstream in upstreams and model):
            continue
        if slash and not near(name, models):
            message, hint = f"no upstream is called '{upstream}'", near(upstream, upstreams)
            message = message if upstream not in upstreams else f"'{name}' lacks the model's id"
        elif name in _part(source.data, "routes"):
            message, hint = f"'{name}' is a route; a route leads to models and targets", ""
        else:
            message, hint = (
                f"no model is called '{name}'",
                near(name, models) or "name a model, or upstream/model-id",
            )
        yield source.problem(loc, message, hint=hint, key=is_key)


def _literal_keys(source: Source) -> Iterator[Problem]:
    places: list[tuple[Place, Any]] = [
        (("upstreams", name, "key"), _part(spec).get("key"))
        for name, spec in _part(source.data, "upstreams").items()
    ]
    for loc, said in [*places, (("access",), _part(source.data).get("access"))]:
        for steps, word, _ in _listed(said):
            if not word.startswith("$") and (word != "client" or loc == ("access",)):
                message = "a key stands in the file: put it in an environment variable and write $NAME"
                yield source.problem((*loc, *steps), message)


def _absent_access(source: Source, env: Mapping[str, str]) -> Iterator[Problem]:
    said = [word for _, word, _ in _listed(_part(source.data).get("access"))]
    found, names = secrets(said, env)
    if names and not found:
        who = "only IDETOUR_API_KEY counts" if env.get("IDETOUR_API_KEY") else "every caller is refused"
        message = f"${', $'.join(names)} is not set: {who}"
        yield source.problem(("access",), message, key=True)


def _locked_out(source: Source, env: Mapping[str, str]) -> Iterator[Problem]:
    stated = _part(source.data)
    if stated.get("names") and not (stated.get("access") or env.get("IDETOUR_API_KEY")):
        message = "who asks by these names needs an access key, and there is none"
        yield source.problem(("names",), message, hint="set IDETOUR_API_KEY, or add `access:`", key=True)


def _retired(source: Source, catalog: Catalog) -> Iterator[Problem]:
    own = {name for name, spec in _part(source.data, "upstreams").items() if "url" in _part(spec)}
    models = _part(source.data, "models")
    places: list[tuple[Loc, str, bool]] = [
        (("models", name, "to"), _target(spec), False) for name, spec in models.items()
    ]
    for loc, name, is_key in [*places, *(use for use in _uses(source.data) if use[1] not in models)]:
        upstream, _, model = name.partition("/")
        known = catalog.models.get(Target(upstream, model))
        if known and known.retired and upstream not in own:
            message = f"'{name}' is retired ({known.retired})"
            yield source.problem(
                loc, message, hint=f"use {known.instead}" if known.instead else "", key=is_key
            )


def _misspelled(source: Source) -> Iterator[Problem]:
    for name, spec in _part(source.data, "models").items():
        for word in ("with", "always"):
            for field in _part(spec, word):
                # Short of an exact list of every vendor's fields, only a slip of the pen is spoken of.
                if field not in FIELDS and (hint := near(field, FIELDS, cutoff=0.9)):
                    loc = ("models", name, word, field)
                    yield source.problem(loc, f"'{field}' is sent as it is written", hint=hint, key=True)


def _windowless(source: Source, catalog: Catalog) -> Iterator[Problem]:
    for name, spec in _part(source.data, "models").items():
        upstream, _, model = _target(spec).partition("/")
        known = catalog.models.get(Target(upstream, model))
        if _part(spec).get("trim") == RESULTS and not (known and known.context):
            message = f"the window of '{_target(spec)}' is not known, so nothing is ever left out"
            yield source.problem(("models", name, "trim"), message, hint="write a number of tokens")


def _unreachable(source: Source) -> Iterator[Problem]:
    for name, rules in _part(source.data, "routes").items():
        for index, rule in enumerate(rules[:-1] if isinstance(rules, list) else []):
            if not _part(rule).get("when"):
                message = "the rules below are never reached: this one has no `when`, so it always matches"
                yield source.problem(("routes", name, index), message)
                break
        several = rules if isinstance(rules, list) else [rules]
        if several and all(_part(rule).get("when") for rule in several):
            loc = ("routes", name, len(several) - 1) if rules is several else ("routes", name)
            message = "a request that meets no rule of this route is refused: the last one has a `when` too"
            yield source.problem(loc, message, hint="add a rule without `when`")


def _uses(data: Any) -> Iterator[tuple[Place, str, bool]]:
    """Every name in `use` and `else`: its place, itself, and whether it stands there as a key."""
    for route, said in _part(data, "routes").items():
        for index, rule in enumerate(said if isinstance(said, list) else [said]):
            stated = rule if isinstance(rule, dict) else {"use": rule}
            for word in ("use", "else"):
                for steps, name, is_key in _listed(stated.get(word)):
                    yield ("routes", route, index, word, *steps), name, is_key


def _listed(data: Any) -> Iterator[tuple[Place, str, bool]]:
    """The texts of a text, a list or a mapping, each with the steps to it."""
    if isinstance(data, str):
        yield (), data, False
    elif isinstance(data, dict):
        yield from (((name,), name, True) for name in data)
    elif isinstance(data, list):
        yield from (((index,), name, False) for index, name in enumerate(data) if isinstance(name, str))


def _target(spec: Any) -> str:
    said = spec if isinstance(spec, str) else _part(spec).get("to")
    return said if isinstance(said, str) else ""


def _part(data: Any, *words: str) -> dict[str, Any]:
    """The mapping that `words` lead to; an empty one where there is none."""
    for word in words:
        data = data.get(word) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _known_upstreams(source: Source, catalog: Catalog) -> set[str]:
    return {*catalog.upstreams, *_part(source.data, "upstreams")}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
