"""A system in which our root was installed and removed again, told once and asked many things."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from certs.conftest import Sandbox
from idetour.certs import ensure
from idetour.certs.stores import java, linux
from idetour.certs.stores.store import Command
from idetour.errors import SetupError

HOST = "api.openai.com"
URL = f"https://{HOST}/v1/models"
FETCH = f"import urllib.request; urllib.request.urlopen('{URL}').read()"
NODE = f"fetch('{URL}').then(() => process.exit(0), () => process.exit(1))"
REMOVE = "cert remove --store system --store nss"
HEAVY = {"chromium", "java"}  # asked only after the changes
CHROMIUM = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom")

type Run = Callable[[Sandbox], bool]


def accepts(*command: str, **environment: str) -> Run:
    return lambda sandbox: sandbox.run(*command, **environment).returncode == 0


CLIENTS: dict[str, Run] = {
    "curl": accepts("curl", "-sS", URL),
    "wget": accepts("wget", "-qO", "/dev/null", URL),
    "openssl": accepts("openssl", "s_client", "-connect", f"{HOST}:443", "-verify_return_error"),
    "python3": accepts(sys.executable, "-c", FETCH),
    "node": accepts("node", "--use-openssl-ca", "-e", NODE),
    "java": accepts("java", str(java.HANDSHAKE), HOST, "443"),
    "chromium": lambda sandbox: "ok" in sandbox.run("chromium", *CHROMIUM, URL).stdout,
}


@dataclass
class Story:
    said: dict[str, str] = field(default_factory=dict)  # command → its output
    codes: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, dict[str, bool]] = field(default_factory=dict)  # when → client → whether
    files: dict[str, dict[str, str]] = field(default_factory=dict)  # when → path → hash, or where it leads
    java: dict[str, set[str]] = field(default_factory=dict)  # when → alias and fingerprint of each


@pytest.fixture(scope="module")
def story(sandbox: Sandbox) -> Story:
    told = Story()
    here = [name for name in CLIENTS if shutil.which(name)]

    def look(when: str) -> None:
        asked = [name for name in here if when != "before" or name not in HEAVY]
        told.accepted[when] = {name: CLIENTS[name](sandbox) for name in asked}
        if shutil.which("keytool"):
            listing = sandbox.run("keytool", "-list", "-cacerts", "-storepass", "changeit").stdout
            told.java[when] = {line for line in listing.splitlines() if "fingerprint" in line}

    def idetour(*words: str) -> None:
        ended = sandbox.idetour(*words)
        told.said[" ".join(words)] = ended.stdout + ended.stderr
        told.codes[" ".join(words)] = ended.returncode

    told.files["before"] = snapshot(sandbox)
    idetour("cert", "install", "--store", "system")
    idetour("cert", "renew", "--yes")  # a new root; from here on, the installed one is an older one
    sandbox.serve(HOST)
    look("before")
    idetour("cert", "install")
    look("installed")
    told.files["installed"] = snapshot(sandbox)
    idetour("cert", "status", "--store", "system")
    idetour(*REMOVE.split())  # Java, too, is Debian's store's business
    look("removed")
    told.files["removed"] = snapshot(sandbox)
    return told


def snapshot(sandbox: Sandbox) -> dict[str, str]:
    """Every file of the system's store but Java's (its order is by chance), and every link."""
    places = "/etc/ssl /usr/local/share/ca-certificates"
    files = sandbox.run("sh", "-c", f"find {places} -type f ! -name cacerts -exec sha256sum {{}} +").stdout
    links = sandbox.run("sh", "-c", f"find {places} -type l -printf '%l  %p\\n'").stdout
    lines = (line.split("  ", 1) for line in (files + links).splitlines())
    return {path: value for value, path in lines}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_program_trusts_us_from_installation_to_removal(client: str, story: Story) -> None:
    if client not in story.accepted["installed"]:
        pytest.skip(f"{client} is not on this machine")
    assert not story.accepted["before"].get(client), story.said
    assert story.accepted["installed"][client], story.said
    assert not story.accepted["removed"][client], story.said


def test_after_removal_every_file_is_as_it_was(story: Story) -> None:
    roots = [path for path in story.files["installed"] if path.endswith(".crt") and "idetour" in path]
    assert len(roots) == 2  # this one and an older one
    assert story.files["removed"] == story.files["before"]


def test_javas_store_holds_none_of_ours_after_removal(story: Story) -> None:
    if not story.java:
        pytest.skip("there is no Java on this machine")
    assert len(story.java["installed"] - story.java["removed"]) == 2
    assert story.java["removed"] < story.java["before"]  # before the removal of the older one


def test_each_store_says_by_whom_it_is_proved(story: Story) -> None:
    said = story.said["cert install"]
    assert "system  trusted: proved by curl" in said
    assert "Restart programs that are running" in said
    assert story.codes["cert install"] == 0
    assert "system  trusted: proved by curl" in story.said["cert status --store system"]


def test_removal_says_who_refuses_now(story: Story) -> None:
    assert "system  not trusted: removed; refused by curl" in story.said[REMOVE]
    assert story.codes[REMOVE] == 0


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not on this machine")
def test_without_rights_and_terminal_the_commands_are_printed_and_nothing_hangs(sandbox: Sandbox) -> None:
    home = sandbox.home / "nobody"
    sandbox.run("install", "-d", "-m", "777", str(home))
    may_read = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")  # a checkout below /root
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *may_read, "--")
    words = (sys.executable, "-m", "idetour", "cert", "install", "--store", "system")
    ended = sandbox.run(*as_nobody, *words, HOME=str(home), IDETOUR_HOME=str(home / "idetour"))
    assert ended.returncode == 3, ended.stderr
    assert f"sudo install -m 644 {home}/idetour/certs/root.pem {linux.DIALECTS[1].anchors}/" in ended.stdout
    assert "sudo update-ca-certificates" in ended.stdout


@pytest.mark.parametrize("dialect", linux.DIALECTS, ids=lambda dialect: dialect.title)
def test_each_family_gets_its_folder_and_its_command(dialect: linux.Dialect, tmp_path: Path) -> None:
    authority = ensure(tmp_path / "certs", [HOST])
    anchors = tmp_path / dialect.anchors.relative_to("/")
    anchors.mkdir(parents=True)
    target = anchors / f"idetour-{authority.name[-8:]}{dialect.suffix}"
    copy, update = linux.additions(authority, system=tmp_path)
    assert copy == Command(("install", "-m", "644", str(authority.root), str(target)))
    assert update == Command(dialect.update, elevate=True)


def test_nothing_of_ours_needs_no_command(tmp_path: Path) -> None:
    anchors(tmp_path)
    assert linux.removals(system=tmp_path) == []


def test_an_update_that_was_forgotten_is_made_up_for(tmp_path: Path) -> None:
    """The root was deleted by hand, and the list that programs read still has it."""
    authority = ensure(tmp_path / "certs", [HOST])
    anchors(tmp_path)
    bundle = tmp_path / "etc/ssl/certs/ca-certificates.crt"
    bundle.write_bytes(b"# a list\n" + authority.root.read_bytes())
    assert linux.removals(system=tmp_path) == [Command(("update-ca-certificates",), elevate=True)]


def test_the_links_of_a_root_are_removed_with_it_and_those_of_others_stay(tmp_path: Path) -> None:
    authority = ensure(tmp_path / "certs", [HOST])
    ours, links = anchors(tmp_path) / "renamed.crt", tmp_path / "etc/ssl/certs"
    shutil.copy(authority.root, ours)
    for link, target in {
        "renamed.pem": ours,
        "0a1b2c3d.0": Path("renamed.pem"),
        "other.pem": Path("/usr/share/other.crt"),
        "deadbeef.0": Path("other.pem"),
    }.items():
        (links / link).symlink_to(target)
    rm, update = linux.removals(system=tmp_path)
    assert rm == Command(("rm", "-f", *map(str, [ours, links / "0a1b2c3d.0", links / "renamed.pem"])))
    assert update.words == ("update-ca-certificates",)


def test_an_unknown_linux_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no place that we know"):
        linux.removals(system=tmp_path)


def anchors(system: Path) -> Path:
    (system / "etc/ssl/certs").mkdir(parents=True)
    folder = system / "usr/local/share/ca-certificates"
    folder.mkdir(parents=True)
    return folder
