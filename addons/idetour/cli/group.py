"""A group of commands that answers a user's mistake with a sentence, and the option that several share."""

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from idetour.errors import IdetourError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a write that failed knows no file name
PORT = ["IDETOUR_PORT", "PORT", "CLAUDE_PROXY_PORT"]  # the variables that name it, the first one wins


class Setting(click.Option):
    """An option whose variable may also stand in `.env` in idetour's home."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        return setting([self.envvar] if isinstance(self.envvar, str) else self.envvar or ())


def setting(names: Sequence[str]) -> str | None:
    """The first of these variables that is set, in the environment or in `.env`."""
    from idetour.profile.environment import variables

    env = variables()
    return next((value for name in names if (value := env.get(name, "").strip())), None)


# The port of an idetour that runs, for the commands that ask it something.
its_port = click.option(
    "-p",
    "--port",
    cls=Setting,
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    envvar=PORT,
    help="Where idetour runs.",
)


class Group(click.Group):
    """Shows a mistake without a traceback, and its commands in the order of their use.

    `sections` names the headings that commands stand below; without, it is one list.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.sections: dict[str | None, str] = {}

    def main(self, *args: Any, **named: Any) -> Any:
        ready_streams()
        try:
            return super().main(*args, **named)
        except OSError as error:
            click.ClickException(sentence(error)).show()
            # What is still in the buffer would be tried again at the end, and fail with a word of Python's own.
            if error.errno in FULL and (stdout := sys.__stdout__) and sys.stdout is stdout:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
            raise SystemExit(1) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IdetourError as error:
            raise click.ClickException(str(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self.sections:
            return super().format_commands(ctx, formatter)
        width = max(map(len, self.commands))
        for title in dict.fromkeys(self.sections.values()):
            here = [command for name, command in self.commands.items() if self.sections[name] == title]
            with formatter.section(title):
                formatter.write_dl([(f"{each.name:<{width}}", each.get_short_help_str(70)) for each in here])


def ready_streams() -> None:
    """Let writing never fail for a letter that the terminal lacks, nor for a stream that was closed (`>&-`)."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for good
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def sentence(error: OSError) -> str:
    """What the system refused, of which file, and how to choose another folder where it is one of ours."""
    from idetour.home import home

    said = error.strerror or str(error) or type(error).__name__
    ours = home()
    if error.filename is None:
        if error.errno not in FULL:
            return f"{said}."
        return f"{said}, for this output or in {ours}. Make room, or choose another folder with IDETOUR_HOME."
    path = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    if path and (path.is_relative_to(ours) or ours.is_relative_to(path)):
        said += f". idetour keeps its files in {ours}; choose another folder with IDETOUR_HOME"
    return f"{error.filename}: {said}."
