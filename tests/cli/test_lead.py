"""`run --takeover` as people do it; afterwards the machine is as it was, however idetour ended."""

import shutil

import pytest

from namespace import AS_NOBODY, Machine, machine

__all__ = ["machine"]

curl = pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
TAKEN = "grep -q 'api.openai.com # idetour' /etc/hosts"


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


@pytest.mark.skipif(
    not shutil.which("dbus-daemon") or not shutil.which("gsettings"), reason="needs gsettings and a D-Bus"
)
@pytest.mark.parametrize("end", ["INT", "KILL"])
def test_a_desktops_proxy_comes_back_as_well(machine: Machine, end: str) -> None:
    said = machine.run(
        """
unset XDG_RUNTIME_DIR XDG_CONFIG_HOME
read DBUS_SESSION_BUS_ADDRESS < <(dbus-daemon --session --fork --print-address=1 2>/dev/null)
export DBUS_SESSION_BUS_ADDRESS
gsettings list-keys org.gnome.system.proxy >/dev/null 2>&1 || { echo no schemas; exit 0; }
now() { gsettings get org.gnome.system.proxy mode; gsettings get org.gnome.system.proxy autoconfig-url; }
start --takeover pac
until_ "gsettings get org.gnome.system.proxy mode | grep -q auto"
now
kill -$END $main; wait $main || true
until_ '[ -z "$(journal)" ]'
now
""",
        END=end,
    )
    if "no schemas" in said:
        pytest.skip("the desktop's schemas are not installed")
    assert [line for line in said.splitlines() if line.startswith("'")] == [
        *("'auto'", "'http://127.0.0.1:18080/proxy.pac'"),
        *("'none'", "''"),
    ]


def test_a_second_run_beside_one_that_has_443_says_so_and_runs(machine: Machine) -> None:
    said = machine.run("""
idetour takeover on hosts >/dev/null
start
until_ "grep -q 'idetour answers' $MACHINE/out"
"$PYTHON" -m idetour run -p 18081 >"$MACHINE/second" 2>&1 </dev/null & second=$!
until_ "grep -q 'idetour answers' $MACHINE/second"
kill -INT $second $main; wait $second $main
grep warning "$MACHINE/second"
""")
    assert said.startswith(
        "warning: The hosts file leads api.openai.com to port 443, where this run cannot answer. Port 443 is in use by "
    )
