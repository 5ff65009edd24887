"""Compare idetour with other proxies on this machine: `python tools/bench --help`."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

from tools.bench.run import main  # noqa: E402

main()
