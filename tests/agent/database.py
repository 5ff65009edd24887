"""A PostgreSQL of our own, on loopback, started and stopped as a test wants."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from conftest import unused_port

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
    Path(found).parent for found in [shutil.which("initdb")] if found
]
SETTINGS = {"fsync": "off", "max_connections": "60", "listen_addresses": "127.0.0.1", "autovacuum": "off"}


def account() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return {}


class Database:
    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="idetour-pg-"))
        self._who = account()
        if self._who:
            os.chown(self._folder, self._who["user"], self._who["group"])
        self.port = unused_port()
        self._made = 0
        self._run("initdb", "--auth=trust", "--username=idetour", "--encoding=UTF8", "--locale=C")
        self.start()

    def start(self) -> None:
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        words = " ".join([*options, "-p", str(self.port), "-k", str(self._folder)])
        self._run("pg_ctl", "--wait", f"--options={words}", f"--log={self._folder}/log", "start")

    def stop(self) -> None:
        """As if its process had been killed."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):  # a test that failed may have left it stopped
            self.stop()
        shutil.rmtree(self._folder)

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://idetour@127.0.0.1:{self.port}/{name}"

    def fresh(self) -> str:
        """The URL of an empty database."""
        self._made += 1
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(f"CREATE DATABASE test{self._made}".encode())
        return self.url(f"test{self._made}")

    def _run(self, name: str, *words: str) -> None:
        command = [str(BINARIES[-1] / name), "-D", str(self._folder / "data"), *words]
        subprocess.run(
            command,
            cwd=self._folder,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._who,
        )
