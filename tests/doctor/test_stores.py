"""Trust as the doctor sees it; the stores themselves are proved in tests/certs/stores."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idetour import certs
from idetour.certs.stores import STORES
from idetour.certs.trust import Outcome, State
from idetour.doctor import IDES, Road, stores
from idetour.doctor.stores import chosen, judged


@pytest.mark.parametrize(
    ("state", "needed", "expected"),
    [
        (State.TRUSTED, True, "ok"),
        (State.NOT_TRUSTED, True, "broken"),
        (State.NOT_TRUSTED, False, "note"),
        (State.CANNOT_TELL, True, "note"),
    ],
)
def test_what_a_store_thinks_decides_where_programs_are_led_here(
    state: State, needed: bool, expected: str
) -> None:
    finding = judged(Outcome(STORES["system"], state, "proved by curl"), needed=needed)

    assert finding
    assert finding.state == expected
    assert "proved by curl" in finding.text


def test_a_store_that_is_not_here_is_left_out() -> None:
    assert judged(Outcome(STORES["macos"], State.ABSENT, ""), needed=True) is None


def test_the_remedy_names_the_store() -> None:
    finding = judged(Outcome(STORES["nss"], State.NOT_TRUSTED, "refused"), needed=True)

    assert finding
    assert finding.remedy.startswith("idetour cert install --store nss. ")


def test_an_ide_has_its_own_stores_and_without_one_it_is_those_of_an_installation() -> None:
    assert [store.name for store in chosen(Road(ide=IDES["jetbrains"]))] == [
        *("system", "macos", "windows-user", "java")
    ]
    assert "java" not in {store.name for store in chosen(Road())}


def test_a_root_that_is_not_in_ssl_cert_file_is_refused_by_a_real_python(
    road: Callable[..., Road], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certs.ensure(home / "certs", ["api.openai.com"])
    another = certs.ensure(tmp_path / "another", ["api.openai.com"])
    monkeypatch.setenv("SSL_CERT_FILE", str(another.root))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:18080")
    [finding] = stores.HOP.look(road(port=18080, ide=IDES["aider"]))

    assert finding.state == "broken"
    assert "refused by python3" in finding.text


def test_a_root_that_is_in_it_is_accepted(
    road: Callable[..., Road], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certs.ensure(home / "certs", ["api.openai.com"]).root))
    [finding] = stores.HOP.look(road(ide=IDES["aider"]))

    assert finding.state == "ok"


def test_without_a_takeover_a_store_is_a_note_only(road: Callable[..., Road], home: Path) -> None:
    certs.ensure(home / "certs", ["api.openai.com"])
    [finding] = stores.HOP.look(road(ide=IDES["aider"]))

    assert finding.state == "note"
    assert "it matters only for a takeover" in finding.text
