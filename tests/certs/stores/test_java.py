"""A JVM with a keystore of the test's own; its client refuses, accepts, refuses."""

import shutil
import sys
from pathlib import Path

import pytest

from idetour.certs import Authority, ensure
from idetour.certs.stores import java
from idetour.certs.stores.proof import Client, verdict


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return ensure(tmp_path / "certs", ["api.openai.com"])


@pytest.fixture
def jvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only home of a JVM; its programs are this machine's, its keystore is not."""
    program = shutil.which("keytool")
    if program is None:
        pytest.skip("there is no Java on this machine")
    real, home = Path(program).resolve().parents[1], tmp_path / "jvm"
    (home / "lib/security").mkdir(parents=True)
    (home / "bin").symlink_to(real / "bin")
    shutil.copy((real / "lib/security/cacerts").resolve(), home / "lib/security/cacerts")
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(java, "PLACES", {})
    return home


def test_a_jvm_refuses_accepts_and_refuses_again(jvm: Path, authority: Authority) -> None:
    keystore = jvm / "lib/security/cacerts"
    client = Client(
        name="java",
        program=shutil.which("java", path=jvm / "bin"),
        arguments=lambda host, port: (
            *("-XX:TieredStopAtLevel=1", f"-Djavax.net.ssl.trustStore={keystore}"),
            *(str(java.HANDSHAKE), host, str(port)),
        ),
    )
    java.STORE.install(authority)
    assert verdict(authority, [client]).trusted is True
    assert list(java.held(keystore).values()) == [authority.fingerprint]
    assert java.additions(authority) == []
    assert java.STORE.remove() is True
    assert verdict(authority, [client]).trusted is False


def test_jvms_that_share_a_keystore_are_one(
    jvm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jvms").mkdir()
    (tmp_path / "jvms/other").symlink_to(jvm)
    monkeypatch.setattr(java, "PLACES", {sys.platform: (f"{tmp_path}/jvms/*",)})
    assert java.homes() == {jvm / "lib/security/cacerts": jvm}


def test_a_jvm_without_a_compiler_is_not_asked(tmp_path: Path) -> None:
    assert java.client(tmp_path).program is None


def test_a_machine_without_java_has_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(java, "PLACES", {})
    assert not java.present()
    assert java.removals() == []


@pytest.mark.parametrize(
    "words",
    [
        ("Alias name", "Creation date", "Entry type"),
        ("别名", "创建日期", "条目类型"),
        ("Aliasname", "Erstellungsdatum", "Eintragstyp"),
    ],
)
def test_our_entries_are_found_in_any_language(words: tuple[str, str, str], authority: Authority) -> None:
    root = authority.root.read_text()
    alias, date, kind = words
    entry = f"{kind}: trustedCertEntry\n\n{root}\n\n*******************\n*******************\n\n\n\n"
    listing = f"Keystore type: JKS\nKeystore provider: SUN\n\nYour keystore contains 2 entries\n\n{alias}: debian:idetour-0a1b2c3d.pem\n{date}: Nov 20, 2026\n{entry}{alias}: idetour me@here 0a1b2c3d\n{date}: Nov 20, 2026\n{entry}"
    assert java.parsed(listing) == {
        "debian:idetour-0a1b2c3d.pem": authority.fingerprint,
        "idetour me@here 0a1b2c3d": authority.fingerprint,
    }
