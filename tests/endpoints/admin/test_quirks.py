"""What targets were found not to take, for their owner."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from endpoints.talk import ask, chat
from idetour.endpoints.serve import start
from idetour.secret import Secret
from upstream import Upstream, objecting

if TYPE_CHECKING:
    from conftest import Serving

TOKEN = Secret("t" * 43)
OWN = {"authorization": f"Bearer {TOKEN.reveal()}", "content_type": "application/json"}
PATH = "/admin/api/quirks"


def test_what_was_learned_is_seen_and_forgotten(
    served: Callable[..., "Serving"], upstream: Upstream, tmp_path: Path
) -> None:
    upstream.always(objecting(lambda body: "Unknown parameter: 'seed'." if "seed" in body else None))
    port = served(admin=TOKEN, state=tmp_path).port
    assert chat(port, seed=7).headers["x-idetour-changed"] == "seed dropped"
    (found,) = ask(port, "GET", PATH, b"", **OWN).json()["quirks"]
    assert (found["target"], found["what"], found["hits"]) == ("up/model", "seed dropped", 1)
    body = json.dumps({"target": "up/model", "field": "seed"}).encode()
    assert len(ask(port, "DELETE", PATH, body, **OWN).json()["forgotten"]) == 1
    assert ask(port, "GET", PATH, b"", **OWN).json() == {"quirks": []}


def test_a_restart_remembers(profile_file: Callable[..., Path], upstream: Upstream, tmp_path: Path) -> None:
    upstream.always(objecting(lambda body: "Unknown parameter: 'seed'." if "seed" in body else None))
    profile = profile_file(f"upstreams: {{up: {{url: '{upstream.url}'}}}}\nmodels: {{m: up/model}}")

    async def lifetime() -> None:
        gateway = await start(profile, state=tmp_path)
        await asyncio.to_thread(chat, gateway.port, seed=7)
        await gateway.stop()

    for _ in range(2):
        asyncio.run(lifetime())
    assert ["seed" in request.json() for request in upstream.requests] == [True, False, False]


def test_a_wish_that_names_no_target_is_refused(served: Callable[..., "Serving"]) -> None:
    answer = ask(served(admin=TOKEN).port, "DELETE", PATH, b"{}", **OWN)
    assert (answer.status, '"target"' in answer.json()["error"]["message"]) == (400, True)
