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


SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Every day": (run.run, ask.ask, models.models, check.check, status.status, usage.usage),
    "Who answers": (login.login, accounts.accounts, profile.profile, route.route, quirks.quirks),
    "What an IDE says, again": (record.record, replay.replay),
    "An IDE that cannot be told": (cert.cert, takeover.takeover, undo.undo, doctor.doctor),
    "More": (agent.agent, where.where),
}
for title, commands in SECTIONS.items():
    for command in commands:
        main.add_command(command)
        main.sections[command.name] = title
