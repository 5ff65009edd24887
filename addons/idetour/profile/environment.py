"""The variables that a profile's `$NAME` stands for: the environment's, and beneath them a file's.

The file is `.env` in idetour's home, for keys that are to outlive the shell.
One in the current folder is not read: whoever wrote that project could lead
requests, and keys, to a place of their own.
"""

import os
import re
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path

from idetour.home import home
from idetour.profile.problem import Problem, ProfileError

# NAME=value, as shells and other tools read it: `export` before it, quotes or a remark around the value.
LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*
        (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'#].*?))?\s*(?:(?<=\s)\#.*)?""",
    re.VERBOSE,
)


def file() -> Path:
    return home() / ".env"


def variables(path: Path | None = None) -> Mapping[str, str]:
    """All there are; the environment wins. Raises ProfileError with every line of the file that is no assignment."""
    path = path or file()
    try:
        text = path.read_text("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return os.environ
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError([Problem(path=path, message=f"cannot be read: {error}")]) from error
    return ChainMap(os.environ, parse(text, path))


def parse(text: str, path: Path) -> dict[str, str]:
    """What the file sets. Lines that are empty or a remark say nothing. Raises ProfileError."""
    found, problems = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if match := LINE.fullmatch(line):
            found[match["name"]] = match["double"] or match["single"] or match["bare"] or ""
        else:  # the line itself is not shown: it may hold a key
            problems.append(
                Problem(path=path, line=number, column=1, message="is no assignment", hint="write NAME=value")
            )
    if problems:
        raise ProfileError(problems)
    return found
