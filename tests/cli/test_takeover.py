"""Takeover as people do it, on a machine of the test's own; afterwards it is as it was, however idetour ended."""

import shutil
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from idetour.cli import main
from namespace import Machine, machine

__all__ = ["machine"]

curl = pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
TAKEN = "grep -q 'api.openai.com # idetour' /etc/hosts"
# As `idetour`, but as a user without rights; what Python needs of root's folders is read before.
AS_NOBODY = """
nobody() { "$PYTHON" 2>&1 -c '
import os, sys
from idetour.cli import main
main(["check"], standalone_mode=False)
main(["takeover", "status"], standalone_mode=False)
import idetour.takeover.hold, idetour.takeover.port, idetour.takeover.systemproxy, idetour.takeover.allowed
import idetour.cli.ports, gettext
os.environ["PATH"] = "/usr/bin:/bin"
os.setgid(65534); os.setuid(65534)
main(sys.argv[1:])' "$@" || echo "code $?"; }
"""


@curl
def test_an_unchanged_client_is_answered_and_ctrl_c_gives_back_every_byte(machine: Machine) -> None:
    said = machine.run(f"""
root=$(idetour cert path 2>/dev/null)
start --takeover hosts
until_ "{TAKEN}"
curl -sS --cacert "$root" https://api.openai.com/v1/models | head -c 15; echo
curl -sS -6 --cacert "$root" https://api.openai.com/v1/models | head -c 15; echo
curl -sSi http://127.0.0.1:18080/proxy.pac | grep -i -e content-type -e openai
journal | wc -l
kill -INT $main; wait $main
same; journal
""")
    assert said.splitlines() == [
        '{"object":"list',
        '{"object":"list',
        "content-type: application/x-ns-proxy-autoconfig",
        '  var ours = {"api.openai.com": 1};',
        "1",
        "same",
    ]


def test_killed_with_9_the_watchdog_gives_back_every_byte(machine: Machine) -> None:
    said = machine.run(f"""
start --takeover hosts
until_ "{TAKEN}"
kill -INT $(pgrep -P $main)  # what Ctrl-C in a terminal sends to all: the watchdog does not mind
kill -KILL $main; wait $main || true
until_ "cmp -s /etc/hosts $MACHINE/before"
until_ '[ -z "$(journal)" ]'
same
""")
    assert said.splitlines()[-1] == "same"


def test_after_a_power_cut_the_next_start_gives_back_every_byte(machine: Machine) -> None:
    said = machine.run(f"""
start --takeover hosts
until_ "{TAKEN}"
kill -KILL $(pgrep -P $main) $main; wait $main || true
{TAKEN}
idetour takeover status
start
until_ "grep -q 'idetour answers' $MACHINE/out"
same; journal
kill -INT $main; wait $main
grep 'Put back' "$MACHINE/out"
""")
    assert "now: whoever held it is gone; `idetour undo`" in said
    assert said.splitlines()[-2:] == ["same", "Put back: /etc/hosts: api.openai.com"]


def test_port_443_in_use_names_the_holder_and_changes_nothing(machine: Machine) -> None:
    said = machine.run("""
"$PYTHON" -c 'import socket; s = socket.create_server(("127.0.0.1", 443)); print(flush=True); s.accept()' >"$MACHINE/up" &
until_ '[ -s $MACHINE/up ]'
idetour run -p 18080 --takeover hosts || echo "code $?"
same; journal
kill %1
""")
    assert "Error: Port 443 is in use by python" in said
    assert "(pid " in said
    assert said.splitlines()[-2:] == ["code 1", "same"]


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
    said = machine.run("""
mkdir "$MACHINE/small"; mount -t tmpfs -o size=4k none "$MACHINE/small"
head -c 4090 /dev/zero | tr '\\0' '#' > "$MACHINE/small/hosts"; cp "$MACHINE/small/hosts" "$MACHINE/before"
mount --bind "$MACHINE/small/hosts" /etc/hosts
idetour takeover on hosts || echo "code $?"
same; journal
""")
    assert "/etc/hosts cannot be changed: No space left on device." in said
    assert said.splitlines()[-2:] == ["code 1", "same"]


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


def test_without_the_right_to_443_the_choices_are_named_and_nothing_is_changed(machine: Machine) -> None:
    said = machine.run(
        AS_NOBODY
        + """
export IDETOUR_HOME=$(mktemp -d); chmod 777 "$IDETOUR_HOME"
nobody run -p 18080 --takeover hosts
same; journal
""",
    )
    assert "Port 443 is for administrators here" in said
    assert "sudo setcap cap_net_bind_service=+ep /" in said
    assert said.splitlines()[-2:] == ["code 1", "same"]


def test_a_failure_to_take_over_stops_the_run_and_says_why(machine: Machine) -> None:
    said = machine.run("""
mount -o remount,ro,bind /etc/hosts
idetour run -p 18080 --takeover hosts > "$MACHINE/out" 2>&1 || echo "code $?"
tail -1 "$MACHINE/out"
same; journal
""")
    assert said.splitlines() == [
        "code 1",
        "Error: /etc/hosts cannot be changed: Read-only file system.",
        "same",
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
