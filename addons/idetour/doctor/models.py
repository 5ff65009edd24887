"""The model list, as an IDE reads it when a model is added: the name is in it, and no field is missing.

Asked for by base URL and as each intercepted host, whose own list has a shape of its own.
"""

import ssl
from collections.abc import Collection, Iterator
from typing import Any

import httpx2

from idetour.doctor.hop import Finding, Hop, broken, ok
from idetour.doctor.road import Road
from idetour.doctor.trouble import explained
from idetour.profile.problem import near

OPENAI = ("id", "object", "created", "owned_by")  # one is missing, and IDEs say “network error”
OPENROUTER = (
    "id",
    "name",
    "context_length",
    "architecture",
    "pricing",
    "top_provider",
    "supported_parameters",
)
SHAPES = {"openrouter.ai": OPENROUTER}
TIMEOUT = 10.0  # seconds


def fault(body: Any, fields: tuple[str, ...]) -> str | None:
    """What an IDE would not understand of a list."""
    items = body.get("data") if isinstance(body, dict) else None
    if not isinstance(items, list) or body.get("object") != "list":
        return "it is not of the form {object: list, data: […]}"
    for item in items:
        if lacking := [name for name in fields if not isinstance(item, dict) or name not in item]:
            return f"an entry has no {', '.join(lacking)}"
    return None if items else "it is empty"


def judged(where: str, body: Any, fields: tuple[str, ...], names: Collection[str]) -> Finding:
    """`names`: what has to be in the list."""
    if wrong := fault(body, fields):
        return broken(
            f"{where}: IDEs will not take this list, since {wrong}", "Is it idetour that answers there?"
        )
    ids = [str(item["id"]) for item in body["data"]]
    if missing := [name for name in names if name not in ids]:
        return broken(
            f"{where}: the list of {len(ids)} has no {', '.join(missing)}",
            near(missing[0], ids)
            or "Add it to `models:` or `routes:` of the profile, or type a name of: idetour models",
        )
    said = f", {', '.join(names)} among them" if len(names) in (1, 2) else ""
    return ok(f"{where}: {len(ids)} listed{said}, each with all fields")


def look(road: Road) -> Iterator[Finding]:
    names = [road.model] if road.model else list(road.leads)
    with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
        yield asked(client, f"{road.base}/v1/models", road, OPENAI, names)
    if road.authority is None:
        return
    context = ssl.create_default_context(cafile=road.authority.root)
    with httpx2.Client(proxy=road.base, verify=context, timeout=TIMEOUT, trust_env=False) as client:
        for host in road.hosts:
            fields = SHAPES.get(host, OPENAI)
            yield asked(client, f"https://{host}/v1/models", road, fields, names)


def asked(
    client: httpx2.Client, url: str, road: Road, fields: tuple[str, ...], names: Collection[str]
) -> Finding:
    try:
        answer = client.get(url, headers=road.authorization)
        body = answer.json()
    except httpx2.HTTPError as error:
        what, remedy = explained(error, here=True)
        return broken(f"{url}: {what}", remedy)
    except ValueError:
        return broken(f"{url}: the answer is not JSON", "Is it idetour that answers there?")
    if not answer.is_success:
        said = body.get("error", {}).get("message", "") if isinstance(body, dict) else ""
        return broken(
            f"{url}: {answer.status_code} {said}".rstrip(), "Set IDETOUR_API_KEY here as it is there."
        )
    return judged(url, body, fields, names)


HOP = Hop(name="models", look=look, needs=("listener",))
