"""A Linux of its own for the tests of trust stores: what they change is gone with the namespace."""

import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

ADDONS = Path(__file__).resolve().parents[2] / "addons"

# What an installation changes, each below a layer that swallows the writes.
SETUP = """
set -e
mount -t tmpfs none "$1"
for place in /etc /usr/local/share/ca-certificates /var/lib; do
  mkdir -p "$1/upper$place" "$1/work$place"
  mount -t overlay none -o "lowerdir=$place,upperdir=$1/upper$place,workdir=$1/work$place" "$place"
done
ip link set lo up
mkdir -m 777 "$1/home"
printf '127.0.0.1 localhost api.openai.com\\n' > /etc/hosts
update-ca-certificates > /dev/null 2>&1
echo ready
exec cat
"""


class Sandbox:
    """A mount and a network namespace with a home, a hosts file and a port 443 of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self._holder = subprocess.Popen(
            ["unshare", "-mn", "sh", "-c", SETUP, "sh", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._served: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        assert self._holder.stdout
        assert self._holder.stderr
        if self._holder.stdout.readline() != b"ready\n":
            pytest.skip(f"no namespace can be had here: {self._holder.stderr.read().decode().strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self._served, self._holder):
            if process:
                process.kill()
                process.communicate()

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command inside, to its end."""
        return subprocess.run(
            self._inside(*command),
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def idetour(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "idetour", *words, **environment)

    def serve(self, host: str) -> None:
        """Answer on port 443 as `idetour` would."""
        script = (
            "import sys, threading; from pathlib import Path; from idetour.certs import load\n"
            "from idetour.certs.stores.proof import Listener\n"
            "chain = load(Path(sys.argv[1])).chains[sys.argv[2]]\n"
            "with Listener(chain, port=443) as listener: print('ready', flush=True); listener.serve_forever()\n"
        )
        command = self._inside(sys.executable, "-c", script, str(self.home / ".idetour/certs"), host)
        self._served = subprocess.Popen(command, env=self._environment({}), stdout=subprocess.PIPE)
        assert self._served.stdout
        assert select.select([self._served.stdout], [], [], 20)[0]
        assert self._served.stdout.readline() == b"ready\n"

    def _inside(self, *command: str) -> list[str]:
        return ["nsenter", f"--target={self._holder.pid}", "-m", "-n", "--", *command]

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        own = {"HOME": str(self.home), "PYTHONPATH": str(ADDONS)}
        return {name: value for name, value in os.environ.items() if name != "IDETOUR_HOME"} | own | more


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs Linux and root: a namespace in which the system's files may be changed")
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(Sandbox(tmp_path_factory.mktemp("sandbox")))
