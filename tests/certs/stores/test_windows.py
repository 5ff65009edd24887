"""The exact commands for Windows, and what its `certutil` prints in three languages. None of it ran there."""

import os
from pathlib import Path

import pytest

from idetour.certs import Authority, ensure
from idetour.certs.stores import windows
from idetour.certs.stores.store import Command

OURS = "0123456789abcdef0123456789abcdef01234567"
OLDER = "00112233445566778899aabbccddeeff00112233"

CHINESE = f"""Root "受信任的根证书颁发机构"
================ 证书 0 ================
序列号: 79ad16a14aa0a5ad4c7358f407132e65
颁发者: CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com
 NotBefore: 2001/5/10 7:19
 NotAfter: 2021/5/10 7:28
使用者: CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com
签名与公钥匹配
根证书: 使用者与颁发者匹配
证书哈希(sha1): cdd4eeae6000ac7f40c3802c171e30148030c072

================ 证书 1 ================
序列号: 1f
颁发者: CN=idetour 李明@DESKTOP-7 0a1b2c3d, OU=profile 1, O=idetour
 NotBefore: 2026/11/18 8:00
 NotAfter: 2028/11/17 8:00
使用者: CN=idetour 李明@DESKTOP-7 0a1b2c3d, OU=profile 1, O=idetour
签名与公钥匹配
证书哈希(sha1): {OURS}
没有密钥提供程序信息
CertUtil: -store 命令成功完成。
"""
SPACED = " ".join(OLDER[at : at + 2] for at in range(0, 40, 2))
GERMAN = f"""Root "Vertrauenswürdige Stammzertifizierungsstellen"
================ Zertifikat 0 ================
Aussteller: CN=idetour root@vm f9d3276c, OU=profile 1, O=idetour
Antragsteller: CN=idetour root@vm f9d3276c, OU=profile 1, O=idetour
Zertifikathash(sha1): {SPACED}
================ Zertifikat 1 ================
Aussteller: CN=Not idetour root@vm f9d3276c
Antragsteller: CN=Not idetour root@vm f9d3276c
Zertifikathash(sha1): cdd4eeae6000ac7f40c3802c171e30148030c072
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return ensure(tmp_path / "certs", ["api.openai.com"])


@pytest.mark.parametrize(("listing", "found"), [(CHINESE, [OURS]), (GERMAN, [OLDER]), ("", [])])
def test_our_roots_are_found_by_their_mark_in_any_language(listing: str, found: list[str]) -> None:
    assert windows.parsed(listing) == found


def test_the_users_root_needs_no_administrator_and_the_machines_does(authority: Authority) -> None:
    add = ("-addstore", "-f", "Root", str(authority.root))
    assert windows.CURRENT_USER.additions(authority) == [Command(("certutil", "-user", *add))]
    assert windows.LOCAL_MACHINE.additions(authority) == [Command(("certutil", *add), elevate=True)]


def certutil(folder: Path, monkeypatch: pytest.MonkeyPatch, *, user: str, machine: str) -> None:
    """A `certutil` that prints in the code page of a Chinese Windows."""
    (folder / "user").write_bytes(user.encode("gbk", "replace"))
    (folder / "machine").write_bytes(machine.encode("gbk", "replace"))
    program = folder / "certutil"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = -user ] && exec cat {folder}/user || exec cat {folder}/machine\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


posix = pytest.mark.skipif(os.name == "nt", reason="a script stands in for `certutil`")


@posix
def test_removal_is_by_thumbprint_also_from_a_list_in_gbk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certutil(tmp_path, monkeypatch, user=CHINESE, machine="")
    delete = ("certutil", "-user", "-delstore", "Root", OURS)
    assert windows.CURRENT_USER.removals() == [Command(delete)]
    assert windows.LOCAL_MACHINE.removals() == []


@posix
def test_what_the_user_inherits_from_the_machine_is_removed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certutil(tmp_path, monkeypatch, user=CHINESE + GERMAN, machine=GERMAN)
    delete = ("-delstore", "Root")
    assert windows.CURRENT_USER.removals() == [Command(("certutil", "-user", *delete, OURS))]
    assert windows.LOCAL_MACHINE.removals() == [Command(("certutil", *delete, OLDER), elevate=True)]


@posix
def test_a_root_that_the_list_does_not_hold_is_not_trusted_whatever_the_tool_said(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certutil(tmp_path, monkeypatch, user=CHINESE, machine="")
    assert windows.CURRENT_USER.trusted(authority).trusted is False


def test_only_the_users_store_is_changed_unasked() -> None:
    assert (windows.CURRENT_USER.unasked, windows.LOCAL_MACHINE.unasked) == (True, False)
