"""The `idetour` command. One file per group; what is heavy is imported when it is needed."""

from typing import Any

import click

from idetour import __version__
from idetour.cli import ask, cert, check, models, profile, run, where
from idetour.errors import IdetourError


class Idetour(click.Group):
    """Shows a user's mistake as a sentence, never as a traceback, and commands in the order of their use."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IdetourError as error:
            raise click.ClickException(str(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Idetour, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", message="idetour %(version)s")
def main() -> None:
    """A detour for your IDE's model traffic.

    Answers for api.openai.com and by base URL, sends each request to the model
    you chose, streams the answer back.
    """


for command in (run.run, check.check, ask.ask, models.models, profile.profile, cert.cert, where.where):
    main.add_command(command)
