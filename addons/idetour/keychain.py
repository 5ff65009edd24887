"""The system's keyring, where the optional package `keyring` is installed and finds one."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

from idetour.errors import SetupError

SERVICE = "idetour"


def keep(name: str, secret: str) -> bool:
    """Store a secret. Returns whether it is there afterwards: the keyring may be absent or locked, or may forget."""
    with suppress(SetupError), _keyring() as keyring:
        if keyring:
            keyring.set_password(SERVICE, name, secret)
            # The package's `null` back end takes everything and keeps nothing.
            return bool(keyring.get_password(SERVICE, name) == secret)
    return False


def fetch(name: str) -> str | None:
    """The secret; None where none was stored or it is lost. Raises SetupError where the keyring is locked or refuses."""
    with _keyring() as keyring:
        return keyring.get_password(SERVICE, name) if keyring else None


def forget(name: str) -> None:
    """Remove a secret, if there is one."""
    with suppress(SetupError), _keyring() as keyring:
        if keyring and keyring.get_password(SERVICE, name):
            keyring.delete_password(SERVICE, name)


@contextmanager
def _keyring() -> Iterator[ModuleType | None]:
    """The optional package, or None. Raises SetupError where its keyring is absent, locked or refuses."""
    try:
        keyring = importlib.import_module("keyring")
        errors = importlib.import_module("keyring.errors")
    except ImportError:
        yield None
        return
    try:
        yield keyring
    except errors.KeyringError as error:
        raise SetupError(
            f"The system's keyring does not answer: {error}. Unlock it and try again."
        ) from error
