"""Take the pictures of the docs anew, in a Chromium that is installed: `python tools/screenshots.py`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS, ALBUM = ROOT / "tests" / "dashboard", ROOT / "docs" / "images"


def main() -> int:
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        str(TESTS / "test_pictures.py"),
        "--screenshots",
        str(ALBUM),
    ]
    return subprocess.run(pytest, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
