"""The authority as it lies in a folder, made for the test: fresh, expired, absent."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idetour.certs import ensure, status
from idetour.doctor import authority
from idetour.doctor.authority import judged

type Look = Callable[..., list[tuple[str, str]]]


def test_an_expired_authority_is_broken(look: Look, home: Path) -> None:
    ensure(home / "certs", ["api.openai.com"], now=datetime.now(UTC) - timedelta(days=4000))
    [(state, text)] = look(authority.HOP)

    assert state == "broken"
    assert text.startswith("The certificate authority expired on 20")


def test_a_fresh_one_is_sound(look: Look, home: Path) -> None:
    ensure(home / "certs", ["api.openai.com"])
    [(state, text)] = look(authority.HOP)

    assert state == "ok"
    assert text.endswith("more days")


def test_one_that_others_can_read_is_a_note(look: Look, home: Path) -> None:
    chain = ensure(home / "certs", ["api.openai.com"]).chains["api.openai.com"]
    chain.chmod(0o644)

    assert ("note", f"Others may read {chain} (mode 644)") in look(authority.HOP)


def test_a_host_that_it_does_not_list_is_broken(look: Look, home: Path) -> None:
    ensure(home / "certs", ["api.openai.com"])

    assert look(authority.HOP, "hosts: [openrouter.ai]\nmodels: {m: demo/hello}")[0] == (
        "broken",
        "It has no certificate for openrouter.ai",
    )


@pytest.mark.parametrize(("intercepting", "state"), [(True, "broken"), (False, "note")])
def test_none_yet_matters_where_programs_are_led_here(home: Path, intercepting: bool, state: str) -> None:
    [finding] = judged(status(home / "certs"), ["api.openai.com"], intercepting=intercepting)

    assert finding.state == state
