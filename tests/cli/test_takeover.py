"""`idetour takeover` as people do it, on a machine of the test's own."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from idetour.cli import main
from namespace import AS_NOBODY, Machine, machine

__all__ = ["machine"]


def test_by_hand_it_stays_until_off_and_what_a_person_edited_stays_for_good(machine: Machine) -> None:
    said = machine.run("""
idetour takeover on hosts API.openai.com
idetour takeover status
echo '10.0.0.2 mine' >> /etc/hosts
start
until_ "grep -q 'idetour answers' $MACHINE/out"
grep -o 'reverse:https://api.openai.com@[^ ,]*' "$MACHINE/out"
kill -INT $main; wait $main
idetour takeover off
(cat "$MACHINE/before"; echo; echo '10.0.0.2 mine') | cmp - /etc/hosts && echo edited
idetour takeover off
""")
    assert "api.openai.com now leads to this machine (/etc/hosts)." in said
    assert "Nothing listens on port 443 yet: start `idetour run`." in said
    assert said.splitlines()[-5:] == [
        "reverse:https://api.openai.com@127.0.0.1:443",
        "reverse:https://api.openai.com@::1:443",
        "Put back: /etc/hosts: api.openai.com",
        "edited",
        "Nothing was taken over by hand.",
    ]


def test_with_no_room_for_the_journal_nothing_is_changed(machine: Machine) -> None:
    said = machine.run("""
mkdir "$IDETOUR_HOME"; mount -t tmpfs -o size=16k none "$IDETOUR_HOME"
head -c 64k /dev/zero > "$IDETOUR_HOME/full" 2>/dev/null || true
idetour takeover on hosts || echo "code $?"
same; journal
""")
    assert "Nothing was changed, because how to undo it cannot be written" in said
    assert "No space left on device" in said
    assert said.splitlines()[-2:] == ["code 1", "same"]


def test_with_no_room_for_the_hosts_file_it_stays_whole(machine: Machine) -> None:
    """It is mounted by itself, so written over in place; there is room for one host, but not for two."""
    said = machine.run("""
mkdir "$MACHINE/small"; mount -t tmpfs -o size=4k none "$MACHINE/small"
head -c 3850 /dev/zero | tr '\\0' '#' > "$MACHINE/small/hosts"
mount --bind "$MACHINE/small/hosts" /etc/hosts
idetour takeover on hosts >/dev/null
cp /etc/hosts "$MACHINE/before"
"$PYTHON" -c 'from idetour.takeover import hosts; hosts.on(["api.deepseek.com", "openrouter.ai"])' 2>&1 | tail -1
same
idetour undo; wc -c < /etc/hosts
""")
    assert said.splitlines() == [
        "idetour.errors.SetupError: /etc/hosts cannot be changed: No space left on device.",
        *("same", "Put back: /etc/hosts: api.openai.com", "3850"),
    ]


def test_a_hosts_file_that_cannot_be_written_is_a_sentence(machine: Machine) -> None:
    said = machine.run("""
mount -o remount,ro,bind /etc/hosts
idetour takeover on hosts || echo "code $?"
same; journal
""")
    assert "Error: /etc/hosts cannot be changed: Read-only file system." in said
    assert said.splitlines()[-2:] == ["code 1", "same"]


def test_without_rights_the_one_command_is_printed_and_undo_knows_of_it(machine: Machine) -> None:
    said = machine.run(
        AS_NOBODY
        + """
export IDETOUR_HOME=$(mktemp -d); chmod 777 "$IDETOUR_HOME"; chmod 644 /etc/hosts
nobody takeover on hosts | tee "$MACHINE/out"
same
eval "$(grep -o 'cp -- .*' "$MACHINE/out")"  # the person types it
idetour takeover status | grep -o '^/etc/hosts: api.openai.com'
grep -c '# idetour$' /etc/hosts
idetour undo; same; journal
"""
    )
    assert "Run it yourself: sudo cp -- " in said
    assert said.splitlines()[-6:] == [
        *("code 1", "same", "/etc/hosts: api.openai.com", "2"),
        *("Put back: /etc/hosts: api.openai.com", "same"),
    ]


@pytest.mark.parametrize("host", ["api.trae.ai", "TRAE.CN", "api2.cursor.sh", "x.byteintl.com"])
def test_an_ides_own_host_is_refused(home: Path, host: str) -> None:
    result = CliRunner().invoke(main, ["takeover", "on", "hosts", host])

    assert result.exit_code == 1
    assert f"Error: {host.lower()} belongs to an IDE itself" in result.output


def test_a_host_that_the_profile_does_not_answer_for_is_refused(home: Path) -> None:
    result = CliRunner().invoke(main, ["takeover", "on", "hosts", "openrouter.ai"])

    assert "The profile does not answer for openrouter.ai, only for api.openai.com." in result.output


@pytest.mark.parametrize("way", ["system-proxy", "pac"])
def test_a_machine_is_not_sent_where_nobody_answers(home: Path, way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = CliRunner().invoke(main, ["takeover", "on", way, "-p", str(port)])

    assert result.exit_code == 1
    assert f"Nothing answers at 127.0.0.1:{port}" in result.output


def test_capturing_a_program_changes_nothing_and_says_how_or_why_not(home: Path) -> None:
    result = CliRunner().invoke(main, ["takeover", "on", "local", "--app", "Trae"])

    assert ("idetour run --mode local:Trae" in result.output) == (result.exit_code == 0)
    assert result.exit_code == 0 or "The other ways work" in result.output
