"""What all desktops have in common: values by key, in groups that belong together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

type Way = Literal["system-proxy", "pac"]
type Value = str | int | None  # None: not set

BYPASS = ("localhost", "127.0.0.1", "::1")  # programs reach this machine's own servers without us


@dataclass(frozen=True, slots=True)
class Setting:
    key: str
    ours: Value
    decides: bool = False  # whether the group is still ours is asked of this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Settings that are written in this order, the switch last, and put back in the other."""

    title: str  # for people
    values: tuple[Setting, ...]
    through: str = ""  # the proxy that was in use until now


@dataclass(frozen=True, slots=True, kw_only=True)
class Desktop:
    name: str  # as it stands in the journal
    read: Callable[[str], Value]
    write: Callable[[str, Value], None]  # raises SetupError
    plan: Callable[[Way, str], tuple[Group, ...]]  # for an address such as 127.0.0.1:8080
    refresh: Callable[[], None]  # tell running programs


def pac_url(address: str) -> str:
    return f"http://{address}/proxy.pac"


def with_bypass(present: list[str], wanted: tuple[str, ...] = BYPASS) -> list[str]:
    """A list of exceptions with this machine in it; the user's own stay in front."""
    return [*present, *(each for each in wanted if each not in present)]
