"""Write docs/commands.md from the `--help` of every command, so that the page cannot say something else.

python tools/commands.py
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "commands.md"
HEAD = """# Commands

`idetour COMMAND --help` says the same. This page is written by `tools/commands.py`.
"""
WIDTH = 100  # columns; a page is wider than a terminal


def page() -> str:
    """The whole page, from the commands as they are."""
    sys.path.insert(0, str(ROOT / "addons"))
    from idetour.cli import main

    return HEAD + "".join(sections(main, "idetour"))


def sections(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    """A command and all below it, each with its help."""
    with command.make_context(name, [], parent, resilient_parsing=True, terminal_width=WIDTH) as context:
        yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                yield from sections(command.commands[inner], inner, context)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
