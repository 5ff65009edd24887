"""Where an agent may start: directories inside an allow-list, after every `..` and link is resolved.

This is a starting point, not a sandbox: what the agent runs may go anywhere
that its user may.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from idetour.errors import BadRequest, Forbidden


def allowed(asked: str, roots: Sequence[Path], *, create: bool = True) -> Path:
    """The real directory that is meant, made where it is missing and `create` is set.

    Raises BadRequest for what is no absolute path of a directory, Forbidden outside the `roots`.
    """
    if "\0" in asked or not Path(asked).is_absolute():
        raise BadRequest("`working_dir` must be an absolute path.", param="working_dir")
    try:
        path = Path(os.path.realpath(asked))
        check_inside(path, roots)
        if create:
            path.mkdir(parents=True, exist_ok=True)
        found = path.is_dir()
    except OSError as error:
        raise BadRequest(f"`working_dir` cannot be used: {error.strerror}.", param="working_dir") from error
    if not found:
        raise BadRequest(f"{path} is not a directory.", param="working_dir")
    return path


def check_inside(path: Path, roots: Sequence[Path]) -> None:
    """Raises Forbidden for a real path that lies in none of the real `roots`."""
    if not any(path.is_relative_to(root) for root in roots):
        listed = ", ".join(map(str, roots)) or "none"
        raise Forbidden(
            f"{path} lies outside the directories in which agents may work: {listed}. "
            "Start the server with another `--root`.",
            code="outside_roots",
            param="working_dir",
        )


def within(asked: str, folder: Path, param: str) -> Path:
    """A file inside the working directory, for a copy of a result. Raises BadRequest."""
    path = Path(os.path.realpath(folder / asked)) if "\0" not in asked else Path("/")
    if not path.is_relative_to(folder) or path == folder:
        raise BadRequest(f"`{param}` must lie inside the working directory, {folder}.", param=param)
    return path


def put(source: Path, asked: str, folder: Path) -> bool:
    """Copy a result into the working directory. A link that leads out of it is not followed.

    Checked again here: the agent has had the directory to itself since the request was.
    """
    with suppress(BadRequest, OSError):
        target = within(asked, folder, "path")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return True
    return False
