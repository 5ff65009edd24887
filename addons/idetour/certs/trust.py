"""Install, remove, look: the same few steps for every store, each believed only when it is proved."""

from dataclasses import dataclass
from enum import StrEnum

from idetour.certs.sets import Authority
from idetour.certs.stores.store import Journal, LeftToYou, Store
from idetour.errors import SetupError


class State(StrEnum):
    TRUSTED = "trusted"
    NOT_TRUSTED = "not trusted"
    CANNOT_TELL = "cannot tell"
    ABSENT = "not here"
    LEFT_TO_YOU = "left to you"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is so with one store now, and a clause or a sentence on how we know."""

    store: Store
    state: State
    text: str


def look(store: Store, authority: Authority) -> Outcome:
    """Whether the store's programs trust the authority. Changes nothing."""
    if not store.present():
        return Outcome(store, State.ABSENT, "nothing on this machine uses it")
    try:
        verdict = store.trusted(authority)
    except SetupError as error:
        return Outcome(store, State.CANNOT_TELL, str(error))
    states = {True: State.TRUSTED, False: State.NOT_TRUSTED, None: State.CANNOT_TELL}
    return Outcome(store, states[verdict.trusted], verdict.how)


def install(store: Store, authority: Authority, *, journal: Journal | None = None) -> Outcome:
    """Have the store trust the authority, unless it does already."""
    before = look(store, authority)
    if before.state in (State.TRUSTED, State.ABSENT) or not store.installs:
        return before
    try:
        store.install(authority, journal=journal)
    except LeftToYou as error:
        return Outcome(store, State.LEFT_TO_YOU, str(error))
    except SetupError as error:
        return Outcome(store, State.FAILED, str(error))
    after = look(store, authority)
    if after.state is State.NOT_TRUSTED:
        return Outcome(store, State.FAILED, f"Every command succeeded, and yet it is {after.text}.")
    return after


def remove(store: Store, authority: Authority | None) -> Outcome:
    """Have the store trust no root of ours, this one or an older one.

    Without an authority there is no key left by which a server could be shown;
    then the store's own list has to do.
    """
    if not store.present():
        return Outcome(store, State.ABSENT, "nothing on this machine uses it")
    if not store.installs:
        return Outcome(store, State.NOT_TRUSTED, "nothing was installed; unset what you set")
    try:
        found = "removed" if store.remove() else "there was none"
    except LeftToYou as error:
        return Outcome(store, State.LEFT_TO_YOU, str(error))
    except SetupError as error:
        return Outcome(store, State.FAILED, str(error))
    if authority is None:
        return Outcome(store, State.NOT_TRUSTED, f"{found}; its list holds no root of ours")
    after = look(store, authority)
    if after.state is State.TRUSTED:
        return Outcome(store, State.FAILED, f"Every command succeeded, and yet it is trusted: {after.text}.")
    return Outcome(store, after.state, f"{found}; {after.text}")
