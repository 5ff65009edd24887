"""Real command-line clients finish a small task through idetour, against an upstream that speaks another protocol.

    python tools/clients                    all of them; each is installed into a temporary folder
    python tools/clients --only codex       one; --list names them
    python tools/clients --keep FOLDER      install there, and use what is there already
    python tools/clients --json             for programs
    python tools/clients --write            writes the results to docs/clients.md
    python tools/clients --login            instead: Qwen Code and idetour share one login

The task is to create hello.txt containing 42. The model is a script
(tests/upstream/author.py): it calls the tool that the client offers and wants
the result back. So nothing depends on a model's mood, and what is tried is
what passes between client, idetour and upstream. npm and pip install from
wherever this machine is set up to install from.
"""

import argparse
import json
import re
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from .installation import NotInstalled
from .login import shared
from .recipes import CLIENTS, Client
from .trial import ROOT, Result, tried

PAGES = (ROOT / "docs" / "clients.md", ROOT / "docs" / "clients.zh-CN.md")
TABLE = re.compile(r"(?<=<!-- results -->\n\n).*?(?=\n<!-- end -->)", re.DOTALL)
HEADINGS = ("client", "version", "protocol in → out", "requests", "time", "result")
LINE = "{:<12} {:<10} {:<30} {:>8} {:>6}  {}"


def main() -> int:
    asked = arguments()
    if asked.list:
        print("\n".join(f"{each.name}: {each.package}, by {each.installer}" for each in CLIENTS))
        return 0
    if asked.login:
        return sharing(asked.keep)
    results = []
    if not asked.json:
        print(LINE.format(*HEADINGS))
    with tempfile.TemporaryDirectory(prefix="idetour-clients-") as temporary:
        for client in asked.only or CLIENTS:
            results.append(tried(client, (asked.keep or Path(temporary)).resolve()))
            if not asked.json:
                print(LINE.format(*cells(results[-1])), flush=True)
    if asked.json:
        print(json.dumps([asdict(each) for each in results], ensure_ascii=False, indent=2))
    if asked.write:
        for page in PAGES:
            page.write_text(written(page.read_text("utf-8"), results), encoding="utf-8")
    return 0 if all(each.finished for each in results) else 1


def sharing(keep: Path | None) -> int:
    with tempfile.TemporaryDirectory(prefix="idetour-clients-") as temporary:
        held = []
        try:
            for claim, well in shared((keep or Path(temporary)).resolve()):
                held.append(well)
                print(f"{'✓' if well else '✗'} {claim}", flush=True)
        except NotInstalled as error:
            sys.exit(f"not installed: {error}")
    return 0 if all(held) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/clients", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", type=named, metavar="NAME", help="of those that --list names")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where clients are installed, and stay")
    parser.add_argument("--list", action="store_true", help="name the clients and their packages")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--login", action="store_true", help="have Qwen Code and idetour share a login")
    parser.add_argument("--write", action="store_true", help="put the results into docs/clients.md")
    return parser.parse_args()


def named(name: str) -> Client:
    """A client by its name or its program's, in any case. Raises ArgumentTypeError."""
    for client in CLIENTS:
        if name.lower() in (client.name.lower(), client.program):
            return client
    raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(each.name for each in CLIENTS)}")


def cells(result: Result) -> list[str]:
    """A result as a line of the table."""
    return [
        result.name,
        result.version or "–",
        result.road,
        str(result.requests),
        f"{result.seconds:.1f} s" if result.version else "–",
        "finished" if result.finished else result.said,
    ]


def written(page: str, results: list[Result]) -> str:
    """A page with these results in its table; of clients that were not run now, the old line stays."""
    found = TABLE.search(page)
    assert found, "the page has lost the marks around its table"
    head, rule, *old = found[0].strip().splitlines()
    lines = {line.split(" | ")[0].strip("| "): line for line in old}
    for result in results:
        lines[result.name] = f"| {' | '.join(cell.replace('|', '/') for cell in cells(result))} |"
    made = "\n".join([head, rule, *lines.values()])
    return f"{page[: found.start()]}{made}\n{page[found.end() :]}"
