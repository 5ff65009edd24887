"""`idetour undo`: everything back, twice is harmless, and nothing under a running idetour's feet."""

from namespace import Machine, machine

__all__ = ["machine"]


def test_everything_comes_back_and_twice_is_harmless(machine: Machine) -> None:
    said = machine.run("idetour takeover on hosts >/dev/null; idetour undo; same; journal; idetour undo")

    assert said.splitlines() == ["Put back: /etc/hosts: api.openai.com", "same", "There is nothing to undo."]


def test_what_a_running_idetour_holds_is_left_unless_told_otherwise(machine: Machine) -> None:
    said = machine.run("""
start --takeover hosts
until_ "grep -q 'api.openai.com # idetour' /etc/hosts"
idetour undo || echo "code $?"
grep -c '# idetour$' /etc/hosts
idetour undo --yes; same
kill -INT $main; wait $main; same
""").splitlines()

    assert "A running idetour (pid " in said[0]
    assert said[1:4] == [
        "What the running idetour holds was left: stop it, or idetour undo --yes",
        "code 1",
        "2",
    ]
    assert said[-3:] == ["Put back: /etc/hosts: api.openai.com", "same", "same"]


HOLD = """
hold() { "$PYTHON" -c '
import sys, time
from idetour.takeover import hosts, watchdog
dog = watchdog.start()
dog.ready()
hosts.on([sys.argv[1]], held=True)
time.sleep(60)' "$1" & }
"""


def test_after_a_power_cut_it_does_what_the_watchdog_could_not(machine: Machine) -> None:
    said = machine.run(
        HOLD
        + """
hold api.openai.com; holder=$!
until_ 'grep -q "# idetour$" /etc/hosts'
kill -KILL $(pgrep -P $holder) $holder; wait $holder || true
same || idetour undo; same; journal
"""
    )
    assert said.splitlines()[-2:] == ["Put back: /etc/hosts: api.openai.com", "same"]


def test_two_instances_and_each_puts_back_its_own(machine: Machine) -> None:
    """Killed with -9 one after the other; the first one's watchdog leaves the second one's line alone."""
    said = machine.run(
        HOLD
        + """
hold api.openai.com; first=$!
hold openrouter.ai; second=$!
until_ '[ $(grep -c "# idetour$" /etc/hosts) = 4 ]'
kill -KILL $first; wait $first || true
until_ '[ $(journal | wc -l) = 1 ]'
grep -o '[^ ]* # idetour$' /etc/hosts | uniq
kill -KILL $second; wait $second || true
until_ '[ -z "$(journal)" ]'
same
"""
    )
    assert said.count("\nopenrouter.ai # idetour\n") == 1  # beside what bash says of those it saw killed
    assert "api.openai.com # idetour" not in said
    assert said.endswith("\nsame\n")


def test_lines_whose_journal_was_lost_are_found(machine: Machine) -> None:
    said = machine.run(
        'idetour takeover on hosts >/dev/null; rm -r "$IDETOUR_HOME"; idetour takeover status; idetour undo; same'
    )

    assert said.splitlines() == [
        "The hosts file leads api.openai.com here, and no journal tells why: idetour undo",
        "Put back: lines of idetour in the hosts file that no journal knew of",
        "same",
    ]


def test_what_cannot_be_put_back_is_named_and_stays_to_be_done(machine: Machine) -> None:
    said = machine.run("""
idetour takeover on hosts >/dev/null
mount -o remount,ro,bind /etc/hosts; idetour undo || echo "code $?"
mount -o remount,rw,bind /etc/hosts; idetour undo; same
""").splitlines()

    assert said[0].startswith("warning: not put back: /etc/hosts: api.openai.com. ")
    assert said[1:] == ["code 1", "Put back: /etc/hosts: api.openai.com", "same"]


def test_trust_given_is_taken_back_by_its_own_store(machine: Machine) -> None:
    """A store that is not on this machine, or that has nothing of ours, has nothing to give back."""
    said = machine.run("""
for store in node java forgotten; do
"$PYTHON" -c 'import sys; from idetour.takeover.journal import note; note("trust", {"store": sys.argv[1], "fingerprint": "00"})' $store
done
idetour undo || echo "code $?"
""").splitlines()

    assert said == [
        "Put back: trust: java, 00",
        "Put back: trust: node, 00",
        "warning: not put back: trust: forgotten, 00. 'forgotten'",
        "code 1",
    ]
