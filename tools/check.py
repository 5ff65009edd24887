"""Everything that must hold before a change goes in: format, lint, types, tests.

    python tools/check.py          what CI runs
    python tools/check.py --fix    formats, and mends what ruff can mend

All checks run even if an early one fails; the tests come last, so that the
last line printed is pytest's own summary.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CHECKS = {
    "format": ["ruff", "format", "--check"],
    "lint": ["ruff", "check"],
    "types": ["mypy"],
    # Real sockets, processes and namespaces, on machines that others use too: what fails three times is broken.
    # The summary counts what was run again; a test that turns up there often wants mending.
    "tests": ["pytest", "-q", "--reruns", "2", "--reruns-delay", "1"],
}
FIXES = {
    "lint": ["ruff", "check", "--fix"],
    "format": ["ruff", "format"],
}


def run(steps: dict[str, list[str]]) -> list[str]:
    """Run each step under a heading, which also names what failed so far. Returns the names of all that failed."""
    failed: list[str] = []
    for name, command in steps.items():
        so_far = f"   (failed so far: {', '.join(failed)})" if failed else ""
        print(f"\n── {name}: {' '.join(command)}{so_far}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT).returncode:
            failed.append(name)
    return failed


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments not in ([], ["--fix"]):
        sys.exit(__doc__)
    sys.exit(bool(run(FIXES if arguments else CHECKS)))
