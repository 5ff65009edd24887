"""What is said of each answer, and in a machine of the test's own, with its own hosts file and name server."""

import json
from pathlib import Path

import pytest

from idetour.doctor.resolver import judged, others
from namespace import Machine, machine

__all__ = ["machine"]

NAMESERVER = Path(__file__).with_name("nameserver.py")
HOST = "api.openai.com"
V4, V6 = ["127.0.0.1"], ["::1"]
REAL4, REAL6 = ["162.159.140.245"], ["2606:4700:7::1"]


@pytest.mark.parametrize(
    ("v4", "v6", "listed", "led", "state", "words"),
    [
        (V4, V6, V4 + V6, True, "ok", "leads here by IPv4 and IPv6"),
        (V4, [], V4, True, "note", "by IPv4 alone"),
        (V4, REAL6, V4, True, "broken", "taken over by half: IPv4 leads here, IPv6 to 2606:4700:7::1"),
        (REAL4, [], [], False, "ok", "it is not taken over, so the IDE needs the base URL"),
        (REAL4, REAL6, V4 + V6, True, "broken", "although the hosts file is meant to lead it here"),
        ([], [], V4, True, "broken", "cannot be resolved"),
        (["10.0.0.9"], [], ["10.0.0.9"], True, "broken", "The hosts file sends api.openai.com to 10.0.0.9"),
        (["10.0.0.9"], [], ["10.0.0.9"], False, "note", "to 10.0.0.9"),
        (["198.18.0.7"], [], [], True, "broken", "a fake address: Clash or another VPN"),
        (["198.19.255.1"], [], [], False, "note", "a fake address"),
        (["198.20.0.1"], [], [], False, "ok", "not taken over"),
    ],
)
def test_each_answer_is_judged(
    v4: list[str], v6: list[str], listed: list[str], led: bool, state: str, words: str
) -> None:
    finding = judged(HOST, v4, v6, listed=listed, led=led)

    assert (finding.state, words in finding.text) == (state, True)


def test_a_fake_address_of_another_name_is_worth_a_note() -> None:
    answers = {"a.example": ["192.0.2.1"], "b.example": ["198.18.3.4"], "c.example": ["198.18.3.5"]}
    [finding] = others([*answers], answers.__getitem__)

    assert finding.text.startswith("b.example is at 198.18.3.4, a fake address")


def first_broken(machine: Machine, v4: str, v6: str, script: str) -> tuple[str, str]:
    """Hop and text of the first broken one, after `script`, with a name server that says these addresses."""
    said = machine.run(f"""
"$PYTHON" "{NAMESERVER}" {v4} {v6} > "$MACHINE/dns" & server=$!
until_ '[ -s $MACHINE/dns ]'
echo nameserver 127.0.0.1 > "$MACHINE/resolv"; mount --bind "$MACHINE/resolv" /etc/resolv.conf
idetour takeover on hosts > "$MACHINE/out"
{script}
idetour doctor -p 18080 --offline --json > "$MACHINE/report" || true
kill $server; cat "$MACHINE/report"
""")
    report = json.loads(said)
    text = next(each["text"] for each in report["findings"] if each["state"] == "broken")
    return report["first_broken"], text


def test_a_hosts_entry_for_ipv4_alone_is_found(machine: Machine) -> None:
    script = 'grep -v \'^::1 api\' /etc/hosts > "$MACHINE/half"; cat "$MACHINE/half" > /etc/hosts'

    assert first_broken(machine, "162.159.140.245", "2606:4700:7::1", script) == (
        "resolver",
        "api.openai.com is taken over by half: IPv4 leads here, IPv6 to 2606:4700:7::1",
    )


def test_a_hosts_entry_to_somewhere_else_is_found(machine: Machine) -> None:
    script = '(echo \'10.0.0.9 api.openai.com\'; cat "$MACHINE/hosts") > "$MACHINE/more"; cat "$MACHINE/more" > /etc/hosts'

    assert first_broken(machine, "162.159.140.245", "-", script) == (
        "resolver",
        "The hosts file sends api.openai.com to 10.0.0.9",
    )


def test_a_fake_address_in_place_of_the_hosts_file_is_found(machine: Machine) -> None:
    hop, text = first_broken(machine, "198.18.0.7", "-", 'cat "$MACHINE/before" > /etc/hosts')

    assert hop == "resolver"
    assert text.startswith("api.openai.com is at 198.18.0.7, a fake address: Clash or another VPN")


def test_a_takeover_that_holds_is_found_sound_up_to_the_port_that_nobody_holds(machine: Machine) -> None:
    hop, text = first_broken(machine, "162.159.140.245", "2606:4700:7::1", "")

    assert (hop, text) == ("port", "Nothing listens on port 18080")
