"""`idetour cert`: the authority that programs have to trust before their requests can be intercepted."""

import click


@click.group(short_help="The certificate authority for interception.")
def cert() -> None:
    """The certificate authority for interception: it can vouch for the listed model hosts and nothing else."""


@cert.command(short_help="The file to trust: --cacert, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS.")
def path() -> None:
    """Print the file to trust, for `curl --cacert`, SSL_CERT_FILE or NODE_EXTRA_CA_CERTS. Makes it if need be."""
    from idetour import home
    from idetour.certs.authority import ensure
    from idetour.profile.catalog import load

    authority = ensure(home.folder("certs"), load().hosts)
    if authority.reason:
        click.echo(authority.reason, err=True)
    click.echo(authority.root)


@cert.command(short_help="What it is, whom it vouches for, how long.")
def status() -> None:
    """What the authority is, whom it vouches for, how long it lasts, and whether its files are closed to others."""
    from idetour import home
    from idetour.certs import authority
    from idetour.cli.screen import rows

    report = authority.status(home.folder("certs"))
    if not report.exists:
        return click.echo("There is no authority yet: `idetour run` or `idetour cert path` makes one.")
    lines = [("problem", report.problem)] if report.problem else []
    if found := report.authority:
        lines += [
            ("file", str(found.root)),
            ("SHA-256", found.fingerprint),
            ("vouches for", ", ".join(found.hosts)),
            ("until", f"{found.not_after:%Y-%m-%d} ({report.days_left} days)"),
        ]
    lines += [("warning", f"others can read {path} (mode {mode:o}): chmod go= it") for path, mode in report.too_open.items()]
    rows(lines, indent=0)
