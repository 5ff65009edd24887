"""`idetour where`: the places that matter on this machine."""

import click


@click.command(short_help="Where profiles, keys, certificates, the log and the mitmproxy script lie.")
def where() -> None:
    """Where profiles, keys and settings (`.env`), certificates, the log and the mitmproxy script lie."""
    from idetour import home
    from idetour.cli.screen import rows
    from idetour.profile import environment

    rows(
        [
            ("home", str(home.home())),
            ("profiles", f"{home.home() / 'profiles'} (yours), {home.shipped('profiles')} (shipped)"),
            ("keys, settings", f"{environment.file()} (yours to write)"),
            ("certificates", str(home.home() / "certs")),
            ("log", str(home.home() / "state" / "logs" / "idetour.jsonl")),
            ("mitmproxy", str(home.home() / "mitmproxy")),
            ("script", f"mitmdump -s {home.shipped('addon.py')}"),
        ],
        indent=0,
    )
