"""The description of an interface as a page for people: made of its openapi.json, with no script, from nowhere else."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
h2 { font-size: 1rem; margin: 2rem 0 .3rem } code, pre { font: 13px/1.5 ui-monospace, monospace }
b { display: inline-block; min-width: 4.2em } table { border-collapse: collapse } td { padding: .1rem 1.2rem .1rem 0; vertical-align: top }
p { margin: .3rem 0 }
"""


def written(schema: Mapping[str, Any]) -> str:
    title = escape(schema["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f'<h1>{title}</h1><p>{escape(schema["info"]["description"])} <a href="/openapi.json">openapi.json</a></p>'
        + "".join(operations(schema))
    )


def operations(schema: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"<h2><code><b>{method.upper()}</b> {escape(path)}</code></h2><p>{escape(operation['summary'])}.</p>"
            if said := operation.get("description"):
                yield "".join(f"<p>{escape(part)}</p>" for part in said.split("\n\n"))
            if rows := [*parameters(operation, schema)]:
                yield f"<table>{''.join(rows)}</table>"


def parameters(operation: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for each in operation.get("parameters", ()):
        if each["in"] != "path":
            yield row(each["name"], each["schema"], where=each["in"], needed=each.get("required", False))
    content = (operation.get("requestBody") or {}).get("content", {}).get("application/json", {})
    body = referred(content.get("schema") or {}, schema)
    for name, each in body.get("properties", {}).items():
        yield row(name, each, where="body", needed=name in body.get("required", ()))


def row(name: str, each: Mapping[str, Any], *, where: str, needed: bool) -> str:
    said = each.get("description", "")
    return (
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind(each))}</td>"
        f"<td>{where}{', needed' if needed else ''}</td><td>{escape(said)}</td></tr>"
    )


def kind(each: Mapping[str, Any]) -> str:
    """The type in a word or two."""
    if choices := each.get("enum"):
        return " | ".join(map(str, choices))
    options = each.get("anyOf") or [each]
    names = [str(option.get("const") or option.get("type") or "object") for option in options]
    return " | ".join(name for name in names if name != "null")


def referred(found: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(found.get("$ref", "")).rpartition("/")[2]
    return schema["components"]["schemas"][name] if name else found
