"""The idetour that runs on a port of this machine, asked by its owner's commands."""

import json
from typing import TYPE_CHECKING, Any

from idetour import ports
from idetour.errors import SetupError

if TYPE_CHECKING:
    import httpx2


def is_idetour(address: str) -> bool:
    """Whether one answers at this base URL. It is asked often while one starts, so with what Python has."""
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=1)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        said = json.loads(answer.read()) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(said, dict) and "profile" in said


def authorization() -> dict[str, str]:
    """The access key of this machine's idetour, if it asks for one; api.openai.com is always asked with something."""
    from idetour.profile.environment import variables

    key = variables().get("IDETOUR_API_KEY", "").partition(",")[0].strip()
    return {"Authorization": f"Bearer {key or 'any'}"}


def hint(answer: "httpx2.Response") -> str:
    """What to do where idetour itself wants a key, rather than an upstream; else nothing."""
    ours = answer.status_code == 401 and "x-idetour-attempts" not in answer.headers
    return " Here: set IDETOUR_API_KEY to one of them." if ours else ""


def asked(port: int, method: str, path: str, body: object = None) -> Any:
    """What the idetour on this port answers to its owner. Raises SetupError."""
    import httpx2

    with owning(port) as client:
        try:
            answer = client.request(method, path, json=body)
        except httpx2.HTTPError as error:
            raise SetupError(f"The idetour on port {port} does not answer: {error}") from error
        check(answer, port)
        return answer.json()


def owning(port: int) -> "httpx2.Client":
    """A client of the idetour on this port that shows its owner's token. Raises SetupError."""
    import httpx2

    from idetour.endpoints.admin import FILE, HEADER, stored
    from idetour.home import home

    address = f"http://127.0.0.1:{port}"
    if not is_idetour(address):
        raise SetupError(absent(port))
    if ports.stranger(port):
        raise SetupError(
            f"Port {port} is held by another user: your token is not sent there. Name yours: -p PORT."
        )
    state = home() / "state"
    token = stored(state)
    if token is None:
        raise SetupError(
            f"{state / FILE} is missing: was the idetour on port {port} started with another home?"
        )
    return httpx2.Client(base_url=address, headers={HEADER: token.reveal()}, timeout=10, trust_env=False)


def check(answer: "httpx2.Response", port: int) -> None:
    """Raises SetupError where the owner's question was refused."""
    from idetour.home import home
    from idetour.wire.fault import parse_error

    if answer.status_code == 401:
        raise SetupError(f"The idetour on port {port} was started with another home than {home()}.")
    if not answer.is_success:
        raise SetupError(parse_error(answer.read()).message)


def absent(port: int) -> str:
    """Why there is nobody to ask."""
    if ports.obstacle("127.0.0.1", port) is None:
        return f"Nothing listens on port {port}. Start it with `idetour run`, or name its port: -p PORT."
    by = ports.holder(port) or "another program"
    return (
        f"Port {port} is held by {by}, which does not answer as idetour does. Name idetour's port: -p PORT."
    )
