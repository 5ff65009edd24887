"""A key as a credential."""

import asyncio

from idetour.profile.credential import Credential, Key
from idetour.secret import Secret

VALUE = Secret("sk-canary-0123456789-wxyz")


def test_a_key_gives_itself_and_nothing_else() -> None:
    key: Credential = Key(id="1", value=VALUE)
    assert asyncio.run(key.secret()) == VALUE
    assert not asyncio.run(key.renew(VALUE))


def test_a_key_shows_its_end() -> None:
    key = Key(id="1", value=VALUE)
    assert key.mark == "…wxyz"
    assert "canary" not in repr(key)
