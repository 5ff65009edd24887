"""A keyring of the system's, played by a file: the part of the package `keyring` that is used."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = """
import json, os
from pathlib import Path
FILE = Path(os.environ["TEST_KEYRING"])
def get_password(service, name):
    from keyring.errors import KeyringError
    if "TEST_KEYRING_LOCKED" in os.environ: raise KeyringError("it is locked")
    return json.loads(FILE.read_text()).get(f"{service} {name}")
def _put(change):
    from keyring.errors import KeyringError
    if FILE.stat().st_mode & 0o200 == 0: raise KeyringError("it is read-only")
    kept = json.loads(FILE.read_text()); change(kept)
    if "TEST_KEYRING_FORGETS" not in os.environ: FILE.write_text(json.dumps(kept))
def set_password(service, name, secret): _put(lambda kept: kept.update({f"{service} {name}": secret}))
def delete_password(service, name): _put(lambda kept: kept.pop(f"{service} {name}"))
"""


def played(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file, while it plays."""
    package, kept = folder / "packages" / "keyring", folder / "keyring.json"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PACKAGE)
    (package / "errors.py").write_text("class KeyringError(Exception): pass\n")
    kept.write_text("{}")
    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setenv("TEST_KEYRING", str(kept))
    yield kept
    for name in ("keyring", "keyring.errors"):
        sys.modules.pop(name, None)
