"""`idetour profile`: list, show, make, edit and find profiles."""

import json

import click

from idetour.cli.group import Group

TEMPLATE = """# yaml-language-server: $schema={schema}
# {name}: idetour run {name}
models:
  gpt-4o: demo/hello          # when the IDE asks for gpt-4o; replace by e.g. nim/MODEL-ID (idetour models --all)
"""


@click.group(cls=Group, short_help="List, show, make, edit and find profiles.")
def profile() -> None:
    """A profile is one YAML file that says who answers what."""


@profile.command("list", short_help="All profiles, yours and the shipped ones.")
def list_() -> None:
    """All profiles by name; yours hide shipped ones of the same name."""
    from idetour.cli.screen import rows
    from idetour.profile.read import available

    rows(((name, str(path)) for name, path in available()), indent=0)


@profile.command(short_help="Print a profile.")
@click.argument("name", required=False)
def show(name: str | None) -> None:
    """Print the profile's file as it is."""
    from idetour.profile.read import find

    click.echo(find(name).read_text(encoding="utf-8"), nl=False)


@profile.command(short_help="The file of a profile.")
@click.argument("name", required=False)
def path(name: str | None) -> None:
    """Print where the profile lies."""
    from idetour.profile.read import find

    click.echo(find(name))


@profile.command(short_help="Make a profile of your own.")
@click.argument("name")
@click.option("--from", "source", metavar="PROFILE", help="Copy this one.")
def new(name: str, source: str | None) -> None:
    """Make the profile NAME in your own folder, small or as a copy, and print its path."""
    from idetour import home
    from idetour.profile.read import find
    from idetour.profile.schema import json_schema

    if not name.replace("-", "").replace("_", "").isalnum() or name == "catalog":
        raise click.BadParameter("letters, digits, - and _ only, and not catalog", param_hint="NAME")
    folder = home.folder("profiles")
    target, schema = folder / f"{name}.yaml", folder / "profile.schema.json"
    schema.write_text(json.dumps(json_schema(), ensure_ascii=False, indent=2), encoding="utf-8")
    text = TEMPLATE.format(schema=schema.name, name=name)
    if source:
        text = find(source).read_text(encoding="utf-8")
    try:
        target.touch(0o600, exist_ok=False)
    except FileExistsError:
        raise click.ClickException(f"{target} is there already: idetour profile edit {name}") from None
    target.write_text(text, encoding="utf-8")
    click.echo(target)


@profile.command(short_help="Open a profile in your editor, then check it.")
@click.argument("name")
def edit(name: str) -> None:
    """Open the profile in $EDITOR; what was wrong with it afterwards is said."""
    from idetour.home import shipped
    from idetour.profile.read import find, read

    found = find(name)
    if found.is_relative_to(shipped("profiles")):
        raise click.ClickException(
            f"{found} came with idetour. Make it yours: idetour profile new {name} --from {name}"
        )
    click.edit(filename=str(found))
    read(found)
    click.echo(f"{found}: fine")


@profile.command(short_help="The JSON Schema, for editors.")
def schema() -> None:
    """Print the JSON Schema of a profile, so that an editor completes and checks it."""
    from idetour.profile.schema import json_schema

    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))
