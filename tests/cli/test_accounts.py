"""`idetour accounts`, as a user types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from cli.printed import lines
from qwen import Qwen
from upstream import Upstream, status

type Idetour = Callable[..., Result]

KEY = "nvapi-canary-0123456789-wxyz"


def test_without_accounts_it_says_how_to_get_one(idetour: Idetour) -> None:
    for command in ("list", "test"):
        assert "idetour login UPSTREAM" in idetour("accounts", command).stdout


def test_a_key_is_added_listed_and_removed_and_never_shown(
    piped: Idetour, idetour: Idetour, home: Path
) -> None:
    added = piped(KEY, "accounts", "add", "nim", "--name", "work", "--weight", "2")
    assert added.stdout == f"nim/work …wxyz: kept in {home / 'state' / 'accounts.json'}\n"
    listed = idetour("accounts", "list")
    assert lines(listed)[1].startswith("nim/work added …wxyz 2 ")
    assert lines(listed)[1].endswith(" ready")
    assert idetour("accounts", "remove", "nim").stdout == "nim/work: removed\n"
    assert "No account" in idetour("accounts", "list").stdout
    assert "canary" not in added.output + listed.output


def test_keys_of_the_environment_are_listed_and_left_to_it(idetour: Idetour) -> None:
    assert "nim environment …wxyz" in lines(idetour("accounts", "list", NVIDIA_API_KEY=KEY))[1]
    removed = idetour("accounts", "remove", "nim", NVIDIA_API_KEY=KEY)
    assert removed.exit_code == 1
    assert "stands in the environment" in removed.stderr


def test_an_added_key_counts_for_check_and_models(piped: Idetour, idetour: Idetour) -> None:
    piped(KEY, "accounts", "add", "nim", "--name", "work")
    assert "account work" in idetour("models").stdout


def test_an_account_rests_and_is_woken(piped: Idetour, idetour: Idetour) -> None:
    piped(KEY, "accounts", "add", "nim")
    assert idetour("accounts", "disable", "nim").stdout == "nim/key-1: rests until it is enabled\n"
    assert "idetour accounts enable" in idetour("accounts", "list").stdout
    assert idetour("accounts", "enable", "nim/key-1").stdout == "nim/key-1: is used again\n"


def test_export_prints_what_the_environment_reads(piped: Idetour, idetour: Idetour) -> None:
    piped(KEY, "accounts", "add", "nim")
    piped(f"{KEY}2", "accounts", "add", "nim")
    piped("sk-it's", "accounts", "add", "openai")
    exported = idetour("accounts", "export", "--yes")
    assert exported.stdout == f"NVIDIA_API_KEY={KEY},{KEY}2\nOPENAI_API_KEY='sk-it'\"'\"'s'\n"


def test_export_asks_before_it_shows_keys(piped: Idetour, idetour: Idetour) -> None:
    piped(KEY, "accounts", "add", "nim")
    result = idetour("accounts", "export")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert "canary" not in result.output


def test_a_qwen_login_is_listed_disabled_and_logged_out(
    idetour: Idetour, piped: Idetour, user: Path, upstream: Upstream
) -> None:
    file = Qwen(upstream).login(user / ".qwen", "work")
    assert "qwen/work login token until" in lines(idetour("accounts", "list"))[1]
    idetour("accounts", "disable", "qwen/work")
    assert "rests" in idetour("accounts", "list").stdout
    assert piped("n", "accounts", "remove", "qwen/work").exit_code == 1
    assert file.exists()
    assert idetour("accounts", "remove", "qwen/work", "--yes").stdout == "qwen/work: removed\n"
    assert not file.exists()
    assert "No account" in idetour("accounts", "list").stdout


def test_a_broken_login_is_listed_with_its_remedy(idetour: Idetour, user: Path) -> None:
    (user / ".qwen").mkdir()
    (user / ".qwen" / "oauth_creds.json").write_text("{")
    assert "Run `idetour login qwen`." in idetour("accounts", "list").stdout


def test_programs_get_json(piped: Idetour, idetour: Idetour) -> None:
    piped(KEY, "accounts", "add", "nim")
    [found] = json.loads(idetour("accounts", "list", "--json").stdout)
    assert (found["name"], found["kind"], found["key"], found["disabled"]) == (
        "nim/key-1",
        "added",
        "…wxyz",
        False,
    )


@pytest.fixture
def house(upstream: Upstream, profile_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    text = f"upstreams: {{ house: {{ url: '{upstream.url}', key: $HOUSE }} }}\nmodels: {{ m: house/x }}"
    path = profile_file(text)
    monkeypatch.setenv("IDETOUR_PROFILE", str(path))
    return path


def test_each_account_is_tried_and_a_refused_one_is_an_error(
    piped: Idetour, idetour: Idetour, house: Path, upstream: Upstream
) -> None:
    piped("good-key-0123456789", "accounts", "add", "house", "--name", "good")
    upstream.always(status(400), asked="/v1/chat/completions")
    well = idetour("accounts", "test")
    assert (well.exit_code, lines(well)) == (0, ["house/good …6789 house: the key is accepted"])
    upstream.always(status(401), asked="/v1/models")
    bad = idetour("accounts", "test", "house/good")
    assert bad.exit_code == 1
    assert "house/good …6789 house: the key is refused" in lines(bad)[0]


def test_a_login_is_tried_with_a_renewed_token(
    idetour: Idetour,
    user: Path,
    upstream: Upstream,
    profile_file: Callable[..., Path],
    qwen: Qwen,
) -> None:
    qwen.login(user / ".qwen", expires_in=-5)
    path = profile_file(
        f"upstreams: {{ qwen: {{ url: '{upstream.url}' }} }}\nmodels: {{ m: qwen/coder-model }}"
    )
    upstream.always(status(400), asked="/v1/chat/completions")
    result = idetour("accounts", "test", "--profile", path)
    assert (result.exit_code, qwen.refreshes) == (0, 1)
    qwen.login(user / ".qwen", expires_in=-5)
    qwen.revoke("default")
    result = idetour("accounts", "test", "--profile", path)
    assert result.exit_code == 1
    assert "Run `idetour login qwen`." in result.stdout
