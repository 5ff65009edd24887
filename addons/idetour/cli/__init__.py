"""The `idetour` command. One file per group; what is heavy is imported when it is needed."""

import click

from idetour import __version__
from idetour.cli import (
    accounts,
    agent,
    ask,
    cert,
    check,
    doctor,
    login,
    models,
    profile,
    quirks,
    record,
    replay,
    route,
    run,
    status,
    takeover,
    undo,
    usage,
    where,
)
from idetour.cli.group import Group


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", message="idetour %(version)s")
def main() -> None:
    """A detour for your IDE's model traffic.

    Answers for api.openai.com and by base URL, sends each request to the model
    you chose, streams the answer back.
    """


for command in (
    *(
        run.run,
        check.check,
        ask.ask,
        login.login,
        accounts.accounts,
        models.models,
        status.status,
        usage.usage,
        quirks.quirks,
        profile.profile,
        route.route,
        cert.cert,
    ),
    *(record.record, replay.replay, takeover.takeover, undo.undo, doctor.doctor, agent.agent, where.where),
):
    main.add_command(command)
