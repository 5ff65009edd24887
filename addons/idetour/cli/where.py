"""`idetour where`: the places that matter on this machine."""

import click


@click.command(short_help="Where profiles, certificates and the mitmproxy script lie.")
def where() -> None:
    """Where profiles, certificates and the mitmproxy script lie."""
    from idetour import home
    from idetour.cli.screen import rows

    rows(
        [
            ("home", str(home.home())),
            ("profiles", f"{home.home() / 'profiles'} (yours), {home.shipped('profiles')} (shipped)"),
            ("certificates", str(home.home() / "certs")),
            ("mitmproxy", str(home.home() / "mitmproxy")),
            ("script", f"mitmdump -s {home.shipped('addon.py')}"),
        ],
        indent=0,
    )
