"""A machine of a test's own: network, port 443 and /etc/hosts are private, by `unshare`.

Where the kernel does not allow it, tests that ask for one are skipped and say so.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "addons"
HOSTS = b"127.0.0.1\tlocalhost\n::1\tlocalhost\n10.0.0.1 nas  # no line end follows"

# Mounts, network and processes of its own; what the script leaves running ends with it.
PRIVATE = ("unshare", "-mnpf", "--mount-proc", "--kill-child=KILL")
LEAD = """
set -e
ip link set lo up
mount --bind "$MACHINE/hosts" /etc/hosts
idetour() { "$PYTHON" -m idetour "$@"; }
until_() { for _ in $(seq 600); do eval "$1" && return; sleep 0.05; done; echo "never: $1"; cat "$MACHINE/out" || true; exit 9; }
start() { : >"$MACHINE/out"; "$PYTHON" -m idetour run -p 18080 "$@" >"$MACHINE/out" 2>&1 </dev/null & main=$!; }
same() { cmp /etc/hosts "$MACHINE/before" && echo same; }
journal() { ls "$IDETOUR_HOME/journal" 2>/dev/null | grep json || true; }
"""


@dataclass(frozen=True)
class Machine:
    folder: Path

    def run(self, script: str, **environment: str) -> str:
        """What a bash script prints, both streams together; it may use the functions above."""
        settings = {
            "MACHINE": str(self.folder),
            "PYTHON": sys.executable,
            "PYTHONPATH": str(SOURCE),
            "IDETOUR_HOME": str(self.folder / "home"),
            "HOME": str(self.folder),
        }
        done = subprocess.run(
            [*PRIVATE, "bash", "-c", LEAD + script],
            env={**os.environ, **settings, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        said = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0, said
        return said


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    try:
        subprocess.run([*PRIVATE, "ip", "link", "set", "lo", "up"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this kernel or user may not make a machine of the test's own (unshare)")
    for name in ("hosts", "before"):
        (tmp_path / name).write_bytes(HOSTS)
    return Machine(tmp_path)


# As `idetour`, but as a user without rights; what Python needs of root's folders is read before.
AS_NOBODY = """
nobody() { "$PYTHON" 2>&1 -c '
import os, sys
from idetour.cli import main
main(["check"], standalone_mode=False)
main(["takeover", "status"], standalone_mode=False)
import idetour.takeover.hold, idetour.takeover.port, idetour.takeover.systemproxy, idetour.takeover.allowed
import idetour.ports, gettext
os.environ["PATH"] = "/usr/bin:/bin"
os.setgid(65534); os.setuid(65534)
main(sys.argv[1:])' "$@" || echo "code $?"; }
"""
