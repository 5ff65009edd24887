"""One login for the real Qwen Code and for idetour: what one of them writes, the other reads and renews.

Qwen's servers are played (tests/qwen). Qwen Code knows the real login server
alone, so what it asks there is led to the played one. Versions after the end
of the free accounts refuse every such login without a request: hence an older one.
"""

import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

from qwen import Qwen
from upstream import Upstream

from .installation import installed
from .processes import Done, finish
from .recipes import MODEL, Client, Place, Start
from .trial import ROOT, clean, started

SECONDS = 90
CONFIRMED_AFTER = 1.0  # seconds, as if somebody did so in a browser
LEAD = """const real = globalThis.fetch;
globalThis.fetch = (asked, init) =>
  real(String(asked.url ?? asked).replace("https://chat.qwen.ai", process.env.PLAYED), init);
"""


def logged_in(place: Place) -> Start:
    place.write(".qwen/settings.json", json.dumps({"privacy": {"usageStatisticsEnabled": False}}))
    place.write("lead.mjs", LEAD)
    lead = f"--import {(place.home / 'lead.mjs').as_uri()}"
    return Start(
        arguments=["-p", "Say hello.", "--auth-type", "qwen-oauth"],
        environment={"NODE_OPTIONS": lead, "PLAYED": place.url},
    )


QWEN_CODE = Client("Qwen Code", "@qwen-code/qwen-code@0.8.2", "qwen", speaks="chat", start=logged_in)


def shared(folder: Path, client: Client = QWEN_CODE) -> Iterator[tuple[str, bool]]:
    """Claims, each with whether it held. The client is installed below `folder`. Raises NotInstalled."""
    programs = installed(client, folder)
    with tempfile.TemporaryDirectory(prefix="idetour-login-") as made, Upstream() as upstream:
        place = Place(programs, Path(made) / "home", Path(made), upstream.origin)
        place.home.mkdir()
        yield from Sharing(client, place, Qwen(upstream, picky=False)).claims()


@dataclass(frozen=True)
class Sharing:
    """A home in which both are logged in, and the servers that are played."""

    client: Client
    place: Place
    qwen: Qwen

    @property
    def file(self) -> Path:
        return self.place.home / ".qwen" / "oauth_creds.json"

    @property
    def renewed(self) -> int:
        return self.qwen.refreshes

    def claims(self) -> Iterator[tuple[str, bool]]:
        threading.Timer(CONFIRMED_AFTER, self._confirm).start()
        yield "idetour logs in", self._idetour("login", "qwen").code == 0
        yield f"{self.client.name} asks with what idetour wrote", self._asks() and self.renewed == 0
        self.file.write_text(json.dumps(json.loads(self.file.read_text()) | {"expiry_date": 1000}))
        yield f"{self.client.name} renews it", self._asks() and self.renewed == 1
        with started(self.place.project, self._profile(), **self._environment()) as url:
            yield f"idetour asks with what {self.client.name} wrote", answers(url) and self.renewed == 1
            for account in self.qwen.accounts.values():
                account.access.clear()
            yield "idetour renews it", answers(url) and self.renewed == 2
        yield f"{self.client.name} asks with what idetour renewed", self._asks() and self.renewed == 2

    def _confirm(self) -> None:
        self.qwen.confirmed = True

    def _asks(self) -> bool:
        """Whether the client is answered."""
        start = self.client.start(self.place)
        program = str(self.place.programs / Path(self.client.program).name)
        environment = {**clean(), **self._environment(), **start.environment}
        done = finish(
            [program, *start.arguments], seconds=SECONDS, folder=self.place.project, environment=environment
        )
        return done.code == 0 and "Hello from" in done.last

    def _idetour(self, *words: str) -> Done:
        environment = {**clean(), **self._environment(), "PYTHONPATH": str(ROOT / "addons")}
        return finish([sys.executable, "-m", "idetour", *words], seconds=SECONDS, environment=environment)

    def _environment(self) -> dict[str, str]:
        home = str(self.place.home)
        mine = str(self.place.project / "idetour")
        return {
            "HOME": home,
            "USERPROFILE": home,
            "IDETOUR_HOME": mine,
            "IDETOUR_QWEN_URL": self.qwen.upstream.origin,
        }

    def _profile(self) -> str:
        url = self.qwen.upstream.url
        return f'upstreams: {{ qwen: {{ url: "{url}" }} }}\nmodels: {{ {MODEL}: qwen/coder-model }}\n'


def answers(url: str) -> bool:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Say hello."}]}
    return httpx2.post(f"{url}/v1/chat/completions", json=body, timeout=SECONDS).status_code == 200
