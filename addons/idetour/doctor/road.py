"""What the doctor was asked about, and the facts that several hops need: each is found once, when first wanted."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2

from idetour import certs, home
from idetour.accounts.pool import read
from idetour.addresses import leads_here
from idetour.doctor.ides import Ide
from idetour.errors import SetupError
from idetour.profile import Profile, Target, Upstream
from idetour.profile.read import find
from idetour.routes.plan import first_choice, leads
from idetour.takeover import hosts, journal

type Way = Literal["hosts", "proxy"]

HEALTH_SECONDS = 5.0
USUAL = ("api.openai.com",)  # what a profile intercepts that says nothing else


@dataclass(kw_only=True)
class Road:
    """The way from one kind of program on this machine, through the idetour on `port`, to the upstreams."""

    wanted: str | None = None  # a profile's name or path; None: what the running idetour has
    port: int = 8080
    ide: Ide | None = None
    model: str | None = None  # the name to ask for; None: one that can answer
    offline: bool = False
    patience: float = 60.0  # seconds until an answer has to begin
    skews: dict[str, float] = field(default_factory=dict)  # upstream → seconds that our clock is ahead of its

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def profile(self) -> Profile:
        """Raises SetupError."""
        return read(find(self.wanted or self._running()))

    def _running(self) -> str | None:
        """The file of the running profile, where one runs and tells."""
        try:
            return str(self.health.get("file") or self.health["profile"])
        except SetupError:
            return None

    @cached_property
    def health(self) -> Mapping[str, Any]:
        """What the idetour on our port says of itself. Raises SetupError where none answers."""
        try:
            answer = httpx2.get(f"{self.base}/health", timeout=HEALTH_SECONDS, trust_env=False)
            said = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise SetupError(f"No idetour answers at {self.base}.") from error
        if not (isinstance(said, dict) and {"version", "profile"} <= said.keys()):
            raise SetupError(f"What answers at {self.base} is not idetour.")
        return said

    @cached_property
    def authority(self) -> certs.Authority | None:
        return certs.load(home.home() / "certs")

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that are intercepted."""
        try:
            return self.profile.hosts
        except SetupError:
            return USUAL

    @cached_property
    def ways(self) -> frozenset[Way]:
        """How programs that are hard-wired to those hosts are led here just now; none: only by base URL."""
        entries = [entry for entry in journal.entries() if not entry.abandoned]
        text = hosts.read(hosts.location())
        by_hosts = any(entry.kind == "hosts" for entry in entries) or any(
            leads_here(address) for host in self.hosts for address in addresses(text, host)
        )
        by_proxy = any(entry.kind == "settings" for entry in entries) or any(
            self.is_us(url) for _, url in proxies(os.environ)
        )
        ways: set[Way] = {"hosts"} if by_hosts else set()
        return frozenset(ways | ({"proxy"} if by_proxy else set()))

    def is_us(self, url: str) -> bool:
        """Whether a proxy's URL is our own port."""
        try:
            parts = urlsplit(url)
            return parts.port == self.port and leads_here(parts.hostname or "")
        except ValueError:
            return False

    @cached_property
    def leads(self) -> Mapping[str, tuple[Target, ...]]:
        """Each name that the profile declares, with all targets it may lead to."""
        made = self.profile
        return {name: tuple(dict.fromkeys(leads(made, name))) for name in (*made.routes, *made.models)}

    @cached_property
    def upstreams(self) -> list[Upstream]:
        """Those that the profile leads to or has a key for, as far as they can be asked. Empty without a profile."""
        try:
            used = {target.upstream for targets in self.leads.values() for target in targets}
        except SetupError:
            return []
        keys_count = self.profile.offer == "available"
        every = self.profile.upstreams.values()
        wanted = (
            each for each in every if each.name in used or (keys_count and (each.keys or each.accounts))
        )
        return [each for each in wanted if each.ready and each.speaks != "demo"]

    @property
    def asked(self) -> str:
        """The name that the stream is asked for: the user's, else the first that can answer, else the demo."""
        if self.model:
            return self.model
        return first_choice(self.profile)

    @property
    def authorization(self) -> dict[str, str]:
        """The header that lets us in; a program that is led here by force always sends something."""
        access = self.profile.access
        return {"authorization": f"Bearer {access[0].reveal() if access else 'any'}"}


def addresses(text: bytes, host: str) -> list[str]:
    """The addresses that a hosts file has for a host, in its order."""
    lines = (line.partition("#")[0].lower().split() for line in text.decode("latin-1").splitlines())
    return [words[0] for words in lines if host in words[1:]]


def proxies(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """The proxy variables that are set, with their URLs; a name in small letters hides its twin in capitals."""
    found = {
        name: environment.get(name.lower()) or environment.get(name)
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
    }
    return [(name, url if "://" in url else f"http://{url}") for name, url in found.items() if url]
