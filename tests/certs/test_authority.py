import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from idetour.certs import Authority, chain, ensure, load, status
from idetour.errors import SetupError

HOSTS = ("api.openai.com", "api.anthropic.com")
NOW = datetime.now(UTC)

posix = pytest.mark.skipif(os.name != "posix", reason="fork, kill and modes are POSIX's")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "user" / "certs"


@pytest.fixture
def made(folder: Path) -> Authority:
    return ensure(folder, HOSTS)


def test_nothing_is_found_and_nothing_made_before_it_is_asked_for(folder: Path) -> None:
    assert load(folder) is None
    assert not status(folder).exists
    assert not folder.exists()


def test_what_ensure_made_is_what_load_finds(made: Authority, folder: Path) -> None:
    assert load(folder) == replace(made, reason=None)
    assert made.hosts == tuple(made.chains) == HOSTS
    assert made.root == folder / "root.pem"


def test_a_first_authority_asks_for_trust_and_names_its_root(made: Authority) -> None:
    assert made.reason is not None
    assert made.reason.startswith("Made a certificate authority; ")
    assert str(made.root) in made.reason
    assert made.reason.endswith(
        "Only programs that are to be intercepted have to trust it: idetour cert install."
    )


@pytest.mark.parametrize("hosts", [HOSTS, HOSTS[::-1], HOSTS[:1], ("API.OpenAI.com.",)])
def test_an_authority_that_covers_the_hosts_is_kept(
    hosts: tuple[str, ...], made: Authority, folder: Path
) -> None:
    assert ensure(folder, hosts) == replace(made, reason=None)


def test_a_further_host_asks_for_a_new_authority(made: Authority, folder: Path) -> None:
    wider = ensure(folder, [*HOSTS, "openrouter.ai"])
    assert wider.fingerprint != made.fingerprint
    assert wider.hosts == (*HOSTS, "openrouter.ai")
    assert "may not vouch for openrouter.ai" in str(wider.reason)
    assert "have to trust it anew" in str(wider.reason)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=31), None),
        (timedelta(days=29), "expires on"),
        (timedelta(days=-1), "expired on"),
        (timedelta(days=800), "look at the clock"),
    ],
)
def test_an_authority_is_replaced_thirty_days_before_its_end(
    left: timedelta, said: str | None, made: Authority, folder: Path
) -> None:
    renewed = ensure(folder, HOSTS, now=made.not_after - left)
    assert (renewed.fingerprint == made.fingerprint) == (said is None)
    assert (said or "") in (renewed.reason or "")


def test_an_expired_authority_is_not_loaded_but_shown(made: Authority, folder: Path) -> None:
    later = made.not_after + timedelta(days=1)
    shown = status(folder, now=later)
    assert load(folder, now=later) is None
    assert shown.authority == replace(made, reason=None)
    assert shown.days_left == -1
    assert "expired on" in str(shown.problem)


def test_an_authority_of_older_rules_is_replaced(
    made: Authority, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "PROFILE", made.profile + 1)
    renewed = ensure(folder, HOSTS)
    assert renewed.profile == made.profile + 1
    assert "follows rules 1; they are now at 2" in str(renewed.reason)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def with_another_key(path: Path) -> None:
    _, files = chain.sealed([path.stem], now=NOW)
    key = files[path.stem].partition(b"-----BEGIN CERT")[0]
    path.write_bytes(key + b"-----BEGIN CERT" + path.read_bytes().partition(b"-----BEGIN CERT")[2])


def of_another_authority(path: Path) -> None:
    path.write_bytes(chain.sealed([path.stem], now=NOW)[1][path.stem])


def of_another_host(path: Path) -> None:
    path.write_bytes((path.parent / f"{HOSTS[1]}.pem").read_bytes())


@pytest.mark.parametrize(
    "damage", [Path.unlink, cut, with_another_key, of_another_authority, of_another_host]
)
def test_a_damaged_leaf_is_reported_and_replaced(
    damage: Callable[[Path], None], made: Authority, folder: Path
) -> None:
    leaf = made.chains[HOSTS[0]]
    damage(leaf)
    assert load(folder) is None
    assert str(leaf) in str(status(folder).problem)
    renewed = ensure(folder, HOSTS)
    assert "damaged" in str(renewed.reason)
    assert "have to trust it anew" in str(renewed.reason)
    assert load(folder) == replace(renewed, reason=None)


@pytest.mark.parametrize("content", [b"", b"no certificate", None], ids=["empty", "text", "unconstrained"])
def test_a_damaged_root_is_reported_and_replaced(
    content: bytes | None, made: Authority, folder: Path, request: pytest.FixtureRequest
) -> None:
    foreign = request.getfixturevalue("authority").ca.read_bytes()
    made.root.write_bytes(foreign if content is None else content)
    assert str(made.root) in str(status(folder).problem)
    assert "damaged" in str(ensure(folder, HOSTS).reason)
    assert status(folder).problem is None


def test_only_leaf_keys_are_on_the_disk(made: Authority, folder: Path) -> None:
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    keys = [load_pem_private_key(text, None).public_key() for text in texts if b"PRIVATE KEY" in text]
    leaves = [x509.load_pem_x509_certificates(path.read_bytes())[0] for path in made.chains.values()]
    assert len(keys) == len(leaves)
    assert all(leaf.public_key() in keys for leaf in leaves)
    assert b"".join(texts).count(b"BEGIN PRIVATE KEY") == len(leaves)


def test_a_replaced_set_leaves_nothing_behind(made: Authority, folder: Path) -> None:
    (folder / "set-0123456789abcdef").mkdir()
    (folder / "set-0123456789abcdef.new").touch()
    wider = ensure(folder, [*HOSTS, "openrouter.ai"])
    current = wider.chains[HOSTS[0]].parent
    assert {*folder.iterdir()} == {wider.root, current, folder / "lock"}


@posix
def test_every_file_and_folder_is_closed_to_others(made: Authority, folder: Path) -> None:
    paths = [folder, *folder.rglob("*")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}


@posix
def test_a_key_that_others_may_read_is_pointed_out_and_the_root_is_not(made: Authority, folder: Path) -> None:
    leaf = made.chains[HOSTS[0]]
    for path in (leaf, made.root):
        path.chmod(0o644)
    assert status(folder).too_open == {leaf: 0o644}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="IDETOUR_HOME"):
        ensure(tmp_path / "file" / "certs", HOSTS)


@posix
def test_what_cannot_be_read_back_is_said_and_not_a_traceback(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "root.pem").mkdir()
    assert "directory" in str(status(folder).problem)
    with pytest.raises(SetupError, match=r"root\.pem"):
        ensure(folder, HOSTS)


def test_a_refused_host_leaves_the_authority_alone(made: Authority, folder: Path) -> None:
    with pytest.raises(SetupError):
        ensure(folder, ["localhost"])
    assert load(folder) == replace(made, reason=None)


def child(script: str, folder: Path) -> str:
    settings = {**os.environ, "PYTHONPATH": str(Path(chain.__file__).parents[2])}
    command = [sys.executable, "-c", script, str(folder)]
    ended = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from idetour.certs import ensure, status
folder = Path(sys.argv[1])
for round in range(20):
    if not (pid := os.fork()):
        for number in range(10_000):
            ensure(folder, [f"host-{round}-{number}.example"])
    time.sleep(random.uniform(0, 0.03))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    found = status(folder)
    assert found.problem is None, found.problem
    assert found.authority or not found.exists
assert ensure(folder, ["api.openai.com"]).chains
assert len(list(folder.iterdir())) == 3, list(folder.iterdir())
"""


@posix
def test_whenever_it_is_killed_the_old_set_or_the_new_is_there(folder: Path) -> None:
    assert child(KILLED, folder) == ""


TOGETHER = """
import os, sys
from pathlib import Path
from idetour.certs import ensure
start, go = os.pipe()
for process in range(8):
    if not os.fork():
        os.close(go)
        os.read(start, 1)
        made = ensure(Path(sys.argv[1]), ["api.openai.com"])
        os.write(1, f"{made.fingerprint} {'kept' if made.reason is None else 'made'}\\n".encode())
        os._exit(0)
os.close(go)
for process in range(8):
    assert os.wait()[1] == 0
"""


@posix
def test_processes_that_start_together_get_one_authority(folder: Path) -> None:
    said = [line.split() for line in child(TOGETHER, folder).splitlines()]
    assert len({fingerprint for fingerprint, _ in said}) == 1
    assert sorted(how for _, how in said) == ["kept"] * 7 + ["made"]
