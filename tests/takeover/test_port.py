"""Port 443 led elsewhere: the exact rules, and for real where this machine has `nft`."""

import os
import shutil
from pathlib import Path

import pytest

from idetour.errors import SetupError
from idetour.takeover import port
from namespace import Machine, machine

__all__ = ["machine"]


def test_nft_gets_all_rules_in_one_command_and_takes_them_out_whether_or_not_they_are_there() -> None:
    assert port.on_commands("nft", 8443) == (
        (
            "nft",
            "add table inet idetour; "
            "add chain inet idetour out { type nat hook output priority -100; }; "
            "add rule inet idetour out ip daddr 127.0.0.1 tcp dport 443 redirect to :8443; "
            "add rule inet idetour out ip6 daddr ::1 tcp dport 443 redirect to :8443",
        ),
    )
    assert port.off_commands("nft", 8443) == (("nft", "add table inet idetour; delete table inet idetour"),)


def test_iptables_gets_one_rule_for_each_protocol() -> None:
    rule = "-w -t nat {} OUTPUT -d {} -p tcp --dport 443 -j REDIRECT --to-ports 8443"

    assert [" ".join(each) for each in port.on_commands("iptables", 8443)] == [
        "iptables " + rule.format("-A", "127.0.0.1"),
        "ip6tables " + rule.format("-A", "::1"),
    ]
    assert [" ".join(each) for each in port.off_commands("iptables", 8443)] == [
        "iptables " + rule.format("-D", "127.0.0.1"),
        "ip6tables " + rule.format("-D", "::1"),
    ]


@pytest.mark.skipif(not shutil.which("nft"), reason="needs nft")
def test_443_leads_to_us_until_it_is_undone(machine: Machine) -> None:
    said = machine.run(r"""
"$PYTHON" -c '
import socket, threading
from idetour.takeover import UNDO, journal, port
def reached(address):
    try: return socket.create_connection((address, 443), 1).getpeername() and True
    except OSError: return False
for family, address in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
    threading.Thread(target=socket.create_server((address, 8443), family=family).accept, daemon=True).start()
print(reached("127.0.0.1"), reached("::1"))
port.redirect(8443)
print(reached("127.0.0.1"), reached("::1"))
for _ in range(2):
    port.undo({"tool": "nft", "port": 8443}, ())
print(reached("127.0.0.1"), reached("::1"))
print(len(journal.undo(UNDO).undone))
'
nft list ruleset
""")
    assert said.splitlines() == ["False False", "True True", "False False", "1"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="rules are for root")
def test_a_rule_that_is_refused_takes_the_others_with_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stand-ins that keep what they were asked: iptables works, for ip6tables the kernel lacks a module."""
    for name, end in [
        ("iptables", "exit 0"),
        ("ip6tables", "echo 'no matching rule, no module' >&2; exit 3"),
    ]:
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$4" >> {tmp_path}/asked\n{end}\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SetupError, match=r"`ip6tables .* failed: no matching rule, no module"):
        port.redirect(8443)
    assert (tmp_path / "asked").read_text().split("\n") == [
        *("iptables -A", "ip6tables -A", "iptables -D", "ip6tables -D", "")
    ]
    assert not list((home / "journal").glob("*.json"))


def test_where_443_is_for_administrators_a_person_can_choose() -> None:
    assert "--take" in port.advice()
    assert "sudo" in port.advice()
