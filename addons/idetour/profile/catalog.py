"""The public upstreams and models we know, from `profiles/catalog.yaml`.

The shipped file is read at every start, so it is trusted and read fast (by
libyaml where there is one); the tests put it through the same checks as any
other file gets. Models are perishable: nothing but this data names them.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from idetour.home import shipped
from idetour.profile import Catalog, KnownModel, Target, build
from idetour.profile.environment import variables
from idetour.profile.explain import validate, written_out
from idetour.profile.problem import ProfileError
from idetour.profile.schema import CatalogFile
from idetour.profile.source import Scalar, Source, resolve

FILE = "catalog.yaml"


def load(path: Path | None = None, env: Mapping[str, str] | None = None) -> Catalog:
    """The shipped catalog, or the one at `path`, with the keys that `env` (or the environment) has.

    Raises ProfileError where a file that is not the shipped one is wrong.
    """
    env = variables() if env is None else env
    if path is None:
        folder, said = shipped("profiles"), _shipped()
    else:
        source = Source(path)
        spec, problems = validate(source, CatalogFile)
        if spec is None:
            raise ProfileError(problems)
        folder, said = path.parent, written_out(spec)
    upstreams = {
        name: build.upstream(name, spec, env=env, folder=folder) for name, spec in said["upstreams"].items()
    }
    return Catalog(upstreams=upstreams, models=_models(said["models"]), hosts=tuple(said["hosts"]))


def _models(said: Mapping[str, Mapping[str, Any]]) -> dict[Target, KnownModel]:
    return {
        target: build.known_model(target, spec)
        for upstream, models in said.items()
        for model, spec in models.items()
        for target in [Target(upstream, model)]
    }


@cache
def _shipped() -> Any:
    return yaml.load((shipped("profiles") / FILE).read_bytes(), _Loader)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C where it was built
    """Reads scalars as `source.py` does: in YAML 1.1, `off` would be false."""

    yaml_implicit_resolvers = {"<": [("tag:yaml.org,2002:merge", re.compile("^<<$"))]}  # noqa: RUF012


def _scalar(_: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    return node.value if node.style else resolve(Scalar(node.value))  # plain: None, or "" from libyaml


_Loader.add_constructor("tag:yaml.org,2002:str", _scalar)
