"""What stays of a run: its trajectory, its patch, copies where they were asked for, and what its console says."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from idetour.agent import limits, outcome
from idetour.agent.launch import LONGEST, Launch
from idetour.agent.layout import Run, take
from idetour.agent.limits import Limits
from idetour.agent.workspace import put
from idetour.errors import SetupError

TAIL = 65536  # bytes of the console in which a cause is looked for
LINE = 300  # characters of it that are told


def patched(launch: Launch, path: Path) -> tuple[bool, str]:
    """Write the patch; whether there is one, and why there cannot be."""
    if launch.shadow is None:
        return False, launch.no_shadow
    try:
        return launch.shadow.changes(path, launch.task.spec.output), ""
    except (SetupError, OSError) as error:
        return False, str(error)


def kept(launch: Launch, run: Run) -> list[str]:
    """Keep what the agent recorded, and put copies where they were asked for; what could not be done."""
    spec = launch.task.spec
    with suppress(OSError):
        take(launch.trajectory, run.trajectory)
    asked = ((run.trajectory, spec.trajectory_file), (run.patch, spec.patch_path))
    return [
        f"{name} could not be written in {spec.working_dir}."
        for path, name in asked
        if name and path.is_file() and not put(path, name, Path(spec.working_dir))
    ]


def hint(error: str, console: Path, held: Limits, *, began: bool) -> str | None:
    """What the console knows more of a failure: where no agent began, its last line tells why, a container's say."""
    log = ""
    with suppress(OSError), console.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        log = file.read().decode(errors="replace")
    last = "" if began else log.rstrip().rpartition("\n")[2].strip()[-LINE:]
    if (said := outcome.hint(log) or last) and said not in error:
        return f"The console says: {said}"
    return limits.hint(f"{error}\n{log}", held)


def shortened(value: Any, longest: int = LONGEST) -> Any:
    """The same with long texts cut; the trajectory has them whole."""
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]}… ({len(value) - longest:,} more characters: see the trajectory)"
    if isinstance(value, dict):
        return {key: shortened(each, longest) for key, each in value.items()}
    return [shortened(each, longest) for each in value] if isinstance(value, list) else value
