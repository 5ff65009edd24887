"""A group of commands that answers a user's mistake with a sentence."""

from typing import Any

import click

from idetour.errors import IdetourError


class Group(click.Group):
    """Shows a mistake without a traceback, and its commands in the order of their use."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IdetourError as error:
            raise click.ClickException(str(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)
