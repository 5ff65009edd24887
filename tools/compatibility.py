"""Write docs/compatibility.md, in both languages, from what the tests of tests/compatibility find.

python tools/compatibility.py
"""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Try every cell, and write the pages. AssertionError, and no page, where one does not work."""
    sys.path[:0] = [str(ROOT / "addons"), str(ROOT / "tests")]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IDETOUR_HOME"] = folder
        from matrix.cells import matrix
        from matrix.page import PAGES, page

        with matrix(Path(folder)) as found:
            pages = {name: page(found, language) for name, language in PAGES.items()}
    for name, text in pages.items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
