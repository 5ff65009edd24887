"""The desktop's own proxy settings: either a proxy for all, or a PAC file that names the model hosts only.

What was there is written down value by value and comes back value by value, as far
as the present one is still ours. Settings belong together: where a person has chosen
another proxy in between, none of that group is touched.
"""

import sys
from collections.abc import Sequence

from idetour.errors import SetupError
from idetour.takeover import journal
from idetour.takeover.desktops import BY_NAME, Desktop, Group, Way, current


def on(way: Way, address: str, *, held: bool = False) -> tuple[str, ...]:
    """Make `address` (`127.0.0.1:8080`) the proxy, or the PAC file that it serves; returns remarks.

    Raises SetupError, nothing then being changed.
    """
    if (desktop := current()) is None:
        raise SetupError(
            f"This system has no proxy setting that idetour knows. For one terminal:\n{exports(address)}"
        )
    with journal.locked():
        if found := next(
            (each for each in journal.entries() if each.kind == "settings" and not each.abandoned), None
        ):
            holder = f"by idetour (pid {found.pid})" if found.pid else "since " + found.at
            raise SetupError(
                f"The proxy settings are taken over already, {holder}. First: idetour takeover off"
            )
        groups = desktop.plan(way, address)
        made: list[journal.Entry] = []
        try:
            for group in groups:
                made.append(journal.note("settings", _data(desktop, group), held=held))
                _apply(desktop, group)
        except SetupError:
            for entry in reversed(made):
                undo(entry.data, ())
                entry.done()
            raise
        desktop.refresh()
    through = dict.fromkeys(group.through for group in groups if group.through)
    return tuple(
        f"Until now this traffic went through {each}. While idetour is in its place, all but the model hosts goes direct."
        for each in through
    )


def undo(data: journal.Data, rest: Sequence[journal.Data]) -> None:
    """Put back what is still ours. Raises SetupError."""
    desktop = BY_NAME[data["desktop"]]
    present = {value["key"]: desktop.read(value["key"]) for value in data["values"]}
    for value in data["values"]:
        if value["decides"] and present[value["key"]] not in (value["ours"], value["before"]):
            return  # somebody chose another proxy: theirs to keep
    for value in reversed(data["values"]):
        if present[value["key"]] == value["ours"] != value["before"]:
            desktop.write(value["key"], value["before"])
    desktop.refresh()


def exports(address: str, platform: str = sys.platform) -> str:
    """What to type for the programs of one terminal, which look at variables and not at the desktop."""
    values = {"HTTPS_PROXY": f"http://{address}", "NO_PROXY": "localhost,127.0.0.1,::1"}
    if platform == "win32":
        return "\n".join(f'$env:{name} = "{value}"' for name, value in values.items())
    return "export " + " ".join(f"{name}={value}" for name, value in values.items())


def _data(desktop: Desktop, group: Group) -> journal.Data:
    values = [
        {"key": each.key, "before": desktop.read(each.key), "ours": each.ours, "decides": each.decides}
        for each in group.values
    ]
    return {"desktop": desktop.name, "title": group.title, "values": values}


def _apply(desktop: Desktop, group: Group) -> None:
    for value in group.values:
        desktop.write(value.key, value.ours)
    for value in group.values:
        if value.decides and desktop.read(value.key) != value.ours:
            raise SetupError(f"{group.title} did not take the new proxy setting; nothing was changed.")
