"""Real clients finish a task through idetour: `python tools/clients --help`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "addons"), str(ROOT / "tests")]

from tools.clients.run import main  # noqa: E402

sys.exit(main())
