"""Where an agent may start: directories inside an allow-list, after every `..` and link is resolved.

This is a starting point, not a sandbox: what the agent runs may go anywhere
that its user may.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from idetour.errors import BadRequest, Forbidden


def allowed(asked: str, roots: Sequence[Path]) -> Path:
    """The real path that is meant, of a directory or of none.

    Raises BadRequest for what is no absolute path, Forbidden outside the `roots`.
    """
    if "\0" in asked or not Path(asked).is_absolute():
        raise BadRequest("`working_dir` must be an absolute path.", param="working_dir")
    try:
        path = Path(os.path.realpath(asked))
    except OSError as error:
        raise unusable(error) from error
    check_inside(path, roots)
    return path


def made(path: Path, *, create: bool = True) -> None:
    """Make the directory where it is missing and `create` is set. Raises BadRequest for what is none."""
    try:
        if create:
            path.mkdir(parents=True, exist_ok=True)
        found = path.is_dir()
    except OSError as error:
        raise unusable(error) from error
    if not found:
        raise BadRequest(f"{path} is not a directory.", param="working_dir")


def unusable(error: OSError) -> BadRequest:
    return BadRequest(f"`working_dir` cannot be used: {error.strerror}.", param="working_dir")


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
        copy(source, folder, *within(asked, folder, "path").relative_to(folder).parts)
        return True
    return False


def copy(source: Path, folder: Path, *steps: str) -> None:
    """Into a file below the folder, by steps of which none may be a link. Raises OSError.

    What the agent left running may put one there at any time, and we may have more rights than it has.
    """
    *above, name = steps
    with ExitStack() as stack:
        at = opened(stack, folder)
        for step in above:
            with suppress(FileExistsError):
                os.mkdir(step, 0o755, dir_fd=at)
            at = opened(stack, step, at)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe has no reader
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=at), "wb") as made, source.open("rb") as kept:
            shutil.copyfileobj(kept, made)


def opened(stack: ExitStack, step: Path | str, at: int | None = None) -> int:
    """A directory, which no link stands for. Raises OSError."""
    found = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
    stack.callback(os.close, found)
    return found
