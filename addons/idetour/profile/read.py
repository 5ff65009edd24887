"""A profile from its file: found by name, checked as a whole, made into data."""

import os
from collections.abc import Mapping
from pathlib import Path

from idetour.errors import SetupError
from idetour.home import home, shipped
from idetour.profile import Catalog, Profile, Rule, Target, Upstream, build, check
from idetour.profile.catalog import FILE as CATALOG
from idetour.profile.catalog import load
from idetour.profile.environment import variables
from idetour.profile.explain import validate, written_out
from idetour.profile.prices import FILE as PRICES
from idetour.profile.problem import Problem, ProfileError, near
from idetour.profile.schema import ProfileFile
from idetour.profile.source import Source

__all__ = ["Problem", "ProfileError", "available", "find", "read"]

NO_PROFILES = (CATALOG, PRICES)  # they lie beside the shipped ones


def read(path: Path, *, catalog: Catalog | None = None, env: Mapping[str, str] | None = None) -> Profile:
    """The profile that `path` holds, with the keys that `env` (or the environment) has.

    Raises ProfileError with all its problems.
    """
    env = variables() if env is None else env
    catalog = catalog or load(env=env)
    source = Source(path)
    spec, problems = validate(source, ProfileFile)
    problems += check.faults(source, catalog)
    if spec is None or problems:
        raise ProfileError(problems)
    said = written_out(spec)
    upstreams = _upstreams(said.get("upstreams", {}), catalog=catalog, env=env, folder=path.parent)
    models = {name: build.model(name, model) for name, model in said.get("models", {}).items()}
    routes = {name: tuple(map(build.rule, rules)) for name, rules in said.get("routes", {}).items()}
    if "default" not in routes and "default" not in models:
        routes |= _from_environment(path, env, upstreams)
    access, access_names = build.secrets(
        [*said.get("access", ()), *(["$IDETOUR_API_KEY"] if env.get("IDETOUR_API_KEY") else [])], env
    )
    return Profile(
        name=path.stem,
        path=path,
        upstreams=upstreams,
        models=models,
        routes=routes,
        catalog=catalog,
        access=access,
        access_names=access_names,
        hosts=tuple(said.get("hosts", ("api.openai.com",))),
        names=tuple(said.get("names", ())),
        origins=tuple(said.get("origins", ())),
        limit=said.get("limit"),
        passthrough=said.get("passthrough", False),
        offer=said.get("offer", "declared"),
        embeddings=Target.parse(said["embeddings"]["to"]) if "embeddings" in said else None,
        warnings=tuple(_sentence(warning) for warning in check.warnings(source, catalog, env)),
    )


def find(name_or_path: str | None) -> Path:
    """The file of `idetour run PROFILE`: a path, else a name among the user's profiles, else among the shipped.

    Without a name it is that of IDETOUR_PROFILE, or `default`. Raises SetupError that offers the nearest name.
    """
    wanted = name_or_path or os.environ.get("IDETOUR_PROFILE") or "default"
    path = Path(wanted).expanduser()
    if path.is_file():
        return path
    known = dict(available())
    if wanted in known:
        return known[wanted]
    hint = near(path.stem, known) or f"there are: {', '.join(known)}"
    places = "\n".join(f"  {place}" for place in (path.absolute(), *_folders()))
    raise SetupError(f"no profile is called '{wanted}'; {hint}\nlooked for it in\n{places}")


def available() -> list[tuple[str, Path]]:
    """Name and file of every profile there is, by name; the user's own hide shipped ones of the same name."""
    files = [file for folder in reversed(_folders()) for file in sorted(folder.glob("*.y*ml"))]
    return sorted({file.stem: file for file in files if file.name not in NO_PROFILES}.items())


def _folders() -> tuple[Path, Path]:
    return home() / "profiles", shipped("profiles")


def _upstreams(
    said: Mapping[str, build.Spec], *, catalog: Catalog, env: Mapping[str, str], folder: Path
) -> dict[str, Upstream]:
    """The catalog's upstreams and the profile's own; one with a login starts from the catalog's with that login."""
    logins = {known.login: known for known in catalog.upstreams.values() if known.login}
    own = {
        name: build.upstream(
            name,
            spec,
            env=env,
            base=catalog.upstreams.get(name) or logins.get(spec.get("login", "")),
            folder=folder,
        )
        for name, spec in said.items()
    }
    return {**catalog.upstreams, **own}


def _from_environment(
    path: Path, env: Mapping[str, str], upstreams: Mapping[str, Upstream]
) -> dict[str, tuple[Rule, ...]]:
    """The route `default` that UPSTREAM_SERVICE and DEFAULT_MODEL ask for, if they are set."""
    service, model = env.get("UPSTREAM_SERVICE", "").strip(), env.get("DEFAULT_MODEL", "").strip()
    if not service and not model:
        return {}
    upstream = service or "dashscope"
    model = model or ("qwen3-max" if upstream == "dashscope" else "")
    if upstream not in upstreams:
        message, hint = f"UPSTREAM_SERVICE: no upstream is called '{upstream}'", near(upstream, upstreams)
    elif not model:
        message, hint = f"UPSTREAM_SERVICE is '{upstream}', but no model is named", "set DEFAULT_MODEL too"
    elif not model.isprintable() or " " in model:
        message, hint = f"DEFAULT_MODEL is no model id: {model!r}", ""
    else:
        return {"default": (Rule(use={f"{upstream}/{model}": 1}),)}
    raise ProfileError([Problem(path=path, message=message, hint=hint)])


def _sentence(warning: Problem) -> str:
    return f"{warning.place}: {warning.message}" + (f"; {warning.hint}" if warning.hint else "")
