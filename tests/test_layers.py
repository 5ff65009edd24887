"""The layers of the package: each imports only those below it, and each library has its owners.

So a protocol can be read without its server, a profile without its proxy, and
replacing a library touches one folder. Imports inside functions count as well.
"""

import ast
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "addons" / "idetour"

# From the bottom up: a module may import its own layer and the layers named beside it.
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "disk": set(),
    "secret": set(),
    "home": {"errors"},
    "ports": set(),
    "addresses": set(),
    "described": set(),
    "keychain": {"errors"},
    "system": {"errors"},
    "wire": {"errors"},
    "profile": {"errors", "secret", "home", "disk", "addresses"},
    "certs": {"errors", "home", "disk", "system", "keychain"},
    "routes": {"profile", "wire", "errors"},
    "upstreams": {"profile", "wire", "errors", "secret", "addresses"},
    "usage": {"profile", "wire", "errors", "secret", "home", "disk"},
    "accounts": {"profile", "wire", "errors", "secret", "home", "disk", "system", "keychain"},
    "gateway": {"routes", "upstreams", "accounts", "usage", "profile", "wire", "errors", "secret", "disk"},
}
LAYERS["endpoints"] = LAYERS["gateway"] | {"gateway", "disk", "described", "addresses"}
LAYERS["proxy"] = {"endpoints", "gateway", "routes", "upstreams", "wire", "profile"}
LAYERS["proxy"] |= {"certs", "errors", "secret", "home", "ports", "addresses"}
LAYERS["takeover"] = LAYERS["certs"] | {"profile"}
LAYERS["doctor"] = LAYERS["takeover"] | {"takeover", "certs", "routes", "wire", "secret", "ports", "accounts"}
LAYERS["doctor"] |= {"addresses"}
LAYERS["agent"] = {"errors", "home", "disk", "secret", "ports", "system", "described", "addresses"}
LAYERS["cli"] = set(LAYERS)
LAYERS["__main__"] = {"cli"}
LAYERS["__init__"] = set()

# Third-party packages, and the only layers that may touch them.
OWNERS: dict[str, set[str]] = {
    "aiohttp": {"upstreams"},
    "click": {"cli"},
    "cryptography": {"certs"},
    "fastapi": {"agent"},
    "httpx2": {"accounts", "doctor", "agent", "cli"},
    "mitmproxy": {"proxy", "cli"},
    "mitmproxy_rs": {"cli"},  # a part of mitmproxy; says whether it can capture a program here
    "msgspec": {"wire", "upstreams", "usage", "gateway", "endpoints", "proxy", "agent", "cli"},
    "opentelemetry": {"usage"},  # an extra
    "psycopg": {"agent"},  # an extra
    "psycopg_pool": {"agent"},  # comes with it
    "pydantic": {"profile", "endpoints", "agent"},
    "pydantic_core": {"profile", "endpoints"},
    "rich": {"cli"},
    "segno": {"cli"},
    "starlette": {"agent"},  # what fastapi stands on
    "uvicorn": {"endpoints", "agent"},
    "yaml": {"profile", "agent"},
    "yarl": {"upstreams"},  # aiohttp's URLs
}


def imports(source: str, package: str) -> Iterator[tuple[int, str]]:
    """The line and the full dotted name of all that `source`, a module of `package`, imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def objection(layer: str, name: str) -> str | None:
    """Why a module of `layer` may not import `name`, or None if it may."""
    top, _, rest = name.partition(".")
    if top == "idetour":
        other = rest.partition(".")[0]
        if other in {layer, "__version__"} | LAYERS[layer]:
            return None
        return f"{layer} may import only {', '.join(sorted(LAYERS[layer])) or 'nothing'} of ours"
    if top in sys.stdlib_module_names:
        return None
    if top not in OWNERS:
        return f"{top} has no owner yet: add it to OWNERS, to pyproject.toml and to docs/architecture.md"
    return None if layer in OWNERS[top] else f"{top} belongs to {', '.join(sorted(OWNERS[top]))}"


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_module_imports_only_what_lies_below(path: Path) -> None:
    inside = path.relative_to(PACKAGE)
    layer = inside.parts[0].removesuffix(".py")
    package = ".".join(["idetour", *inside.parts[:-1]])

    assert layer in LAYERS, f"{layer} is a new layer: say in LAYERS what it may import"
    problems = [
        f"{inside}:{line} imports {name}, but {why}"
        for line, name in imports(path.read_text(encoding="utf-8"), package)
        if (why := objection(layer, name))
    ]
    assert problems == [], "\n".join(problems)


def test_the_layers_stand_on_each_other() -> None:
    """Each names only layers above itself in the list, so there is no way round in a circle."""
    seen: set[str] = set()
    for layer, below in LAYERS.items():
        assert below <= seen, f"{layer} names {', '.join(sorted(below - seen))}, not listed before it"
        seen.add(layer)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import idetour.cli", "idetour.cli"),
        ("from idetour import cli", "idetour.cli"),
        ("from .. import cli", "idetour.cli"),
        ("def late():\n    from idetour.cli import main", "idetour.cli.main"),
    ],
)
def test_every_way_to_import_is_seen(source: str, found: str) -> None:
    names = [name for _, name in imports(source, "idetour.wire")]

    assert names == [found]
    assert objection("wire", found) == "wire may import only errors of ours"


def test_only_the_script_lies_beside_the_package() -> None:
    """mitmproxy leaves `addons` at the head of sys.path: a module there would hide others of its name."""
    beside = {path.name for path in PACKAGE.parent.iterdir()} - {"idetour", "__pycache__"}

    assert beside == {"addon.py"}
