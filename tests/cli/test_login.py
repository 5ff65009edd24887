"""`idetour login`: in a browser for Qwen, with a key that is proved for all others."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conftest import ADDONS
from idetour.cli import main
from idetour.profile.catalog import load
from qwen import DEVICE, Qwen
from upstream import Answer, Request, Upstream, status, whole

type Login = Callable[..., Result]


@pytest.fixture
def login(user: Path) -> Login:
    """`login("nim", key="nvapi-…")`"""

    def run(*words: str, key: str = "") -> Result:
        return CliRunner().invoke(main, ["login", *words], input=f"{key}\n", prog_name="idetour")

    return run


@pytest.mark.parametrize(
    ("words", "file"), [(["qwen"], "oauth_creds.json"), (["qwen", "work"], "oauth_creds_work.json")]
)
def test_a_login_is_kept_where_qwen_code_looks_for_it(
    login: Login, qwen: Qwen, user: Path, words: list[str], file: str
) -> None:
    qwen.confirmed = True
    result = login(*words)
    assert result.exit_code == 0
    kept = json.loads((user / ".qwen" / file).read_bytes())
    assert kept["access_token"] in qwen.accounts["new"].access
    assert f"{qwen.upstream.origin}/authorize?user_code=ABCD-1234" in result.stdout
    assert kept["access_token"] not in result.output


def test_without_a_name_it_shows_where_one_can_log_in(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    result = login()

    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line}
    assert "set NVIDIA_API_KEY" in lines["nim"]
    assert "no login yet" in lines["qwen"]
    assert "demo" not in lines


def test_that_the_free_tier_has_ended_is_said_before_anything_else(login: Login, qwen: Qwen) -> None:
    qwen.confirmed = True
    first, second, *_ = login("qwen").stdout.splitlines()
    assert "ended its free accounts on 2026-04-15" in first
    assert "idetour login dashscope" in second


def test_a_login_that_is_denied_changes_nothing(login: Login, qwen: Qwen, user: Path) -> None:
    qwen.confirmed = False
    result = login("qwen")
    assert (result.exit_code, result.stderr) == (1, "Error: The login was denied in the browser.\n")
    assert not (user / ".qwen").exists()


def test_a_login_server_that_is_away_is_named(login: Login, qwen: Qwen) -> None:
    qwen.upstream.then(status(503), asked=DEVICE)
    result = login("qwen")
    assert result.exit_code == 1
    assert "127.0.0.1 does not begin a login: HTTP 503" in result.stderr


def test_a_name_is_plain(login: Login, qwen: Qwen) -> None:
    assert "cannot be a name" in login("qwen", "../x").stderr
    assert qwen.upstream.requests == []


def test_in_a_terminal_there_is_a_code_to_scan_and_ctrl_c_cancels(qwen: Qwen, user: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "idetour", "login", "qwen"]
    environment = {**os.environ, "PYTHONPATH": str(ADDONS), "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as child:
        os.close(theirs)
        said = b""
        while b"Ctrl-C cancels" not in said:
            said += os.read(ours, 4096)
        child.send_signal(signal.SIGINT)
        try:
            while data := os.read(ours, 4096):
                said += data
        except OSError:
            pass
        assert child.wait(20) == 1
    os.close(ours)
    assert "▀▄".encode() in said
    assert b"Cancelled. Nothing was changed." in said
    assert b"Traceback" not in said
    assert not (user / ".qwen").exists()


def opens(*keys: str) -> Callable[[Request], Answer]:
    """A list of models for those who have one of the keys."""
    known = {f"Bearer {key}" for key in keys}
    return lambda request: whole({"data": []}) if request.header("authorization") in known else status(401)


@pytest.fixture
def regions(
    upstreams: Callable[..., Upstream], profile_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Upstream]:
    """All of DashScope's, each played by a server of its own."""
    found = {name: upstreams() for name in load(env={}).upstreams if name.startswith("dashscope")}
    for each in found.values():
        each.always(opens(), asked="/v1/models")
    lines = [f"  {name}: {{ url: '{each.url}' }}" for name, each in found.items()]
    path = profile_file("\n".join(["upstreams:", *lines, "models: { m: dashscope/qwen3-max }"]))
    monkeypatch.setenv("IDETOUR_PROFILE", str(path))
    return found


def test_a_key_of_dashscope_finds_its_region(login: Login, regions: dict[str, Upstream], home: Path) -> None:
    regions["dashscope-intl"].always(opens("sk-0123456789abcdef"), asked="/v1/models")
    result = login("dashscope", key="sk-0123456789abcdef")
    assert result.exit_code == 0
    assert "✓ Alibaba Cloud Model Studio (Singapore): the key is accepted" in result.stdout
    assert "· Alibaba Cloud Model Studio (China): the key is refused" in result.stdout
    [kept] = json.loads((home / "state" / "accounts.json").read_bytes())["accounts"]
    assert (kept["upstream"], kept["name"]) == ("dashscope-intl", "key-1")
    assert regions["dashscope-coding"].requests == []


def test_a_key_of_the_coding_plan_finds_its_region(
    login: Login, regions: dict[str, Upstream], home: Path
) -> None:
    regions["dashscope-coding-intl"].always(opens("sk-sp-0123456789"), asked="/v1/models")
    assert login("dashscope", "plan", key="sk-sp-0123456789").exit_code == 0
    [kept] = json.loads((home / "state" / "accounts.json").read_bytes())["accounts"]
    assert (kept["upstream"], kept["name"]) == ("dashscope-coding-intl", "plan")
    assert regions["dashscope"].requests == []


def test_a_key_that_nobody_accepts_is_not_kept(
    login: Login, regions: dict[str, Upstream], home: Path
) -> None:
    result = login("dashscope", key="sk-0123456789abcdef")
    assert result.exit_code == 1
    assert "Nothing was kept. Copy the key again" in result.stderr
    assert not (home / "state" / "accounts.json").exists()


def test_a_key_of_another_vendor_is_sent_to_nobody(login: Login, regions: dict[str, Upstream]) -> None:
    # On this machine's own addresses any shape may be right, so a real one is named.
    result = login("nim", key="sk-or-v1-0123456789")
    assert result.exit_code == 1
    assert "OpenRouter's; its place is `openrouter`" in result.stderr


@pytest.fixture
def house(upstream: Upstream, profile_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"upstreams: {{ house: {{ url: '{upstream.url}', key: $HOUSE }} }}\nmodels: {{ m: house/x }}"
    monkeypatch.setenv("IDETOUR_PROFILE", str(profile_file(text)))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(403), "To keep the key all the same: idetour accounts add"),
        (status(500), "To keep the key all the same: idetour accounts add"),
        (status(401), "Copy the key again"),
    ],
)
def test_a_key_that_is_not_proved_is_not_kept_and_the_way_on_is_said(
    login: Login, house: None, upstream: Upstream, home: Path, answer: Answer, said: str
) -> None:
    upstream.always(answer, asked="/v1/models")
    result = login("house", key="some-key-0123456789")
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (home / "state" / "accounts.json").exists()


def test_a_key_that_is_proved_is_kept(login: Login, house: None, upstream: Upstream, home: Path) -> None:
    upstream.always(opens("some-key-0123456789"), asked="/v1/models")
    assert "house/key-1 …6789: kept in" in login("house", key="some-key-0123456789").stdout


def test_an_upstream_that_is_away_is_said_with_what_to_look_at(
    login: Login, house: None, upstream: Upstream
) -> None:
    upstream.refuse()
    result = login("house", key="some-key-0123456789")
    assert "it cannot be reached" in result.stdout
    assert "Look at your network" in result.stderr


def test_an_unknown_upstream_is_answered_with_the_nearest_name(login: Login) -> None:
    assert "did you mean 'openrouter'" in login("openruter", key="x").stderr
