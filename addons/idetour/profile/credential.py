"""What an upstream is asked with: a key, or a login whose token is renewed.

A waist between the gateway, which spreads requests over credentials, and
`accounts/`, which knows where they are kept. None can print itself.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from idetour.secret import Secret

type Kind = Literal["environment", "typed", "added", "login"]


class Credential(Protocol):
    """`id` stands for it where it has to be remembered, `mark` where it is shown."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str:
        """What its owner calls it; empty for a key of the environment."""

    @property
    def kind(self) -> Kind: ...

    @property
    def mark(self) -> str:
        """Of a key its end, `…1234`; of a login its name."""

    @property
    def weight(self) -> float: ...

    @property
    def url(self) -> str | None:
        """Its own base URL; None: its upstream's."""

    @property
    def expires(self) -> float | None:
        """Seconds since 1970; None: it does not, or nobody knows."""

    @property
    def trouble(self) -> str:
        """Why it cannot be used until its owner does something, as a sentence; empty while it can."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All that it holds just now: nothing that is kept or shown may have them."""

    async def secret(self) -> Secret:
        """What to send now. Raises UpstreamError where it cannot be had: 401 for good, 503 for the moment."""

    async def renew(self, refused: Secret) -> bool:
        """The upstream refused that one: whether there is another to try. Raises as `secret` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key, which stays the same until its owner changes it."""

    id: str
    value: Secret
    name: str = ""
    kind: Kind = "environment"
    weight: float = 1.0
    url: str | None = None
    expires: float | None = None
    trouble: str = ""

    @property
    def mark(self) -> str:
        return str(self.value)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return (self.value,)

    async def secret(self) -> Secret:
        return self.value

    async def renew(self, refused: Secret) -> bool:
        return False
