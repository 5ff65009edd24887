"""The accounts of a home, laid over a profile."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.accounts import pool, store
from idetour.accounts.pool import PREFERRED, Accounts
from idetour.profile import Profile
from idetour.profile.read import read
from idetour.secret import Secret
from qwen import Qwen

KEY = Secret("nvapi-canary-0123456789-wxyz")
NIM = "https://integrate.api.nvidia.com/v1"
PROFILE = "models: { m: nim/x, q: qwen/coder-model }"


@pytest.fixture
def profile(profile_file: Callable[..., Path]) -> Profile:
    return read(profile_file(PROFILE), env={})


@pytest.fixture
def state(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    return made


def found(accounts: Accounts, profile: Profile, upstream: str = "nim") -> list[str]:
    accounts.read()
    return [each.name for each in accounts.over(profile).upstreams[upstream].accounts]


def test_an_upstream_with_an_account_is_ready(state: Path, profile: Profile) -> None:
    accounts = Accounts(state)
    assert not accounts.over(profile).upstreams["nim"].ready
    store.add(state, KEY, upstream="nim", url=NIM, name="work")
    accounts.read()
    upstream = accounts.over(profile).upstreams["nim"]
    assert upstream.ready
    [each] = upstream.accounts
    assert (each.name, each.kind, each.mark) == ("work", "added", "…wxyz")


def test_a_disabled_account_is_not_there(state: Path, profile: Profile) -> None:
    store.add(state, KEY, upstream="nim", url=NIM, name="work")
    store.disable(state, "nim/work")
    assert found(Accounts(state), profile) == []


def test_a_key_that_the_environment_has_too_is_asked_with_once(
    state: Path, profile_file: Callable[..., Path]
) -> None:
    store.add(state, KEY, upstream="nim", url=NIM, name="work")
    profile = read(profile_file(PROFILE), env={"NVIDIA_API_KEY": KEY.reveal()})
    assert found(Accounts(state), profile) == []


def test_a_key_does_not_follow_its_upstreams_name_to_another_host(
    state: Path, profile_file: Callable[..., Path]
) -> None:
    store.add(state, KEY, upstream="nim", url=NIM, name="work")
    text = "upstreams: { nim: { url: 'https://evil.example/v1' } }\nmodels: { m: nim/x }"
    assert found(Accounts(state), read(profile_file(text), env={})) == []


def test_each_file_of_qwens_is_an_account(qwen: Qwen, folder: Path, profile: Profile) -> None:
    accounts = Accounts(logins=folder)
    for name in ("default", "work"):
        qwen.login(folder, name)
    assert found(accounts, profile, "qwen") == ["default", "work"]
    assert accounts.over(profile).upstreams["qwen"].ready
    assert accounts.over(profile).upstreams["nim"].accounts == ()


def test_the_default_account_comes_first(
    qwen: Qwen, folder: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("default", "work"):
        qwen.login(folder, name)
    monkeypatch.setenv("DEFAULT_ACCOUNT", "work")
    accounts = Accounts(logins=folder)
    accounts.read()
    weights = {each.name: each.weight for each in accounts.over(profile).upstreams["qwen"].accounts}
    assert weights == {"default": 1.0, "work": PREFERRED}


def test_what_was_added_and_removed_is_noticed(
    qwen: Qwen, folder: Path, state: Path, profile: Profile
) -> None:
    accounts = Accounts(state, folder)
    accounts.read()
    assert not accounts.changed()
    store.add(state, KEY, upstream="nim", url=NIM, name="work")
    assert accounts.changed()
    assert accounts.read() == []
    assert not accounts.changed()
    file = qwen.login(folder, "other")
    assert accounts.changed()
    assert accounts.read() == ["other"]
    file.unlink()
    assert accounts.changed()
    assert found(accounts, profile, "qwen") == []


def test_a_login_that_was_edited_is_noticed(qwen: Qwen, folder: Path, profile: Profile) -> None:
    accounts = Accounts(logins=folder)
    file = qwen.login(folder)
    accounts.read()
    [before] = accounts.over(profile).upstreams["qwen"].accounts
    said = json.loads(file.read_bytes())
    file.write_text(json.dumps({**said, "expiry_date": 1000}))
    os.utime(file, (time.time() + 5, time.time() + 5))
    assert accounts.changed()
    assert accounts.read() == ["default"]
    assert before.expires == 1.0  # the same session: whoever has it sees the new token


def test_who_is_under_way_keeps_what_was_removed(qwen: Qwen, folder: Path, profile: Profile) -> None:
    accounts = Accounts(logins=folder)
    file = qwen.login(folder)
    accounts.read()
    [before] = accounts.over(profile).upstreams["qwen"].accounts
    file.unlink()
    accounts.read()
    assert before.url == qwen.upstream.url or before.url is None
    assert before.expires is not None


def test_a_broken_file_of_accounts_keeps_the_last_good(
    state: Path, profile: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    store.add(state, KEY, upstream="nim", url=NIM, name="work")
    accounts = Accounts(state)
    accounts.read()
    (state / store.FILE).write_text("{")
    assert found(accounts, profile) == ["work"]
    assert "is broken" in caplog.text


def test_a_locked_keyring_is_asked_again_later(
    state: Path,
    profile: Profile,
    keyring: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store.add(state, KEY, upstream="nim", url=NIM, name="work")
    monkeypatch.setenv("TEST_KEYRING_LOCKED", "1")
    accounts = Accounts(state)
    assert found(accounts, profile) == []
    assert "The key of account nim/work is not at hand" in caplog.text
    assert not accounts.changed()
    monkeypatch.setattr(pool, "AGAIN_SECONDS", 0.0)
    accounts.read()
    assert accounts.changed()
    monkeypatch.delenv("TEST_KEYRING_LOCKED")
    assert found(accounts, profile) == ["work"]
    assert not accounts.changed()


def test_a_key_that_the_keyring_has_lost_is_told(
    state: Path, profile: Profile, keyring: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.add(state, KEY, upstream="nim", url=NIM, name="work")
    keyring.write_text("{}")
    assert found(Accounts(state), profile) == []
    assert "idetour accounts remove nim/work" in caplog.text


def test_a_login_server_that_is_not_safe_costs_the_logins_alone(
    qwen: Qwen,
    folder: Path,
    profile: Profile,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    qwen.login(folder)
    monkeypatch.setenv("IDETOUR_QWEN_URL", "http://evil.example")
    assert found(Accounts(logins=folder), profile, "qwen") == []
    assert "has to be an https:// address" in caplog.text
