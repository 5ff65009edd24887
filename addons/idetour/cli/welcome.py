"""The start screen: what `run` listens on, what to type into the IDE, and a line that works as it stands."""

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idetour.profile import Profile

NOBODY = {4: "192.0.2.1", 6: "2001:db8::1"}  # addresses for documentation: RFC 5737, RFC 3849
VENDORS = 4  # without a key, that are named


def start_screen(profile: "Profile", host: str, port: int, modes: tuple[str, ...]) -> None:
    """What it listens on, what to type into the IDE, which keys are missing, and a line that works as it stands."""
    from idetour import __version__
    from idetour.cli.screen import console, rows, warn
    from idetour.routes.offer import asks_for, first_choice, lacking, ready
    from idetour.routes.plan import offered

    here, there = reached(host)
    base, others = f"http://{here}:{port}", f"http://{there}:{port}"
    names = [name for name in offered(profile) if ready(profile, name)]
    example = first_choice(profile)
    shown = sorted(names, key=lambda name: name != example)[:4]
    more = f" and {len(names) - len(shown)} more (idetour models)" if len(names) > len(shown) else ""
    console.print(f"idetour {__version__}", style="bold", end="  ")
    console.print(f"profile {profile.name}  listening on {', '.join([others, *modes])}")
    warn(profile.warnings)
    lines = [
        ("Base URL", f"{base}/v1"),
        *([("For others", f"{others}/v1")] if others != base else []),
        ("Model", ", ".join(shown) + more),
        ("API key", asks_for(profile) or "anything"),
        ("Dashboard", f"{base}/admin#token={once()}  (works once)"),
        ("As a proxy", f"{base} intercepts {', '.join(profile.hosts)}; trust `idetour cert path` for it"),
    ]
    if missing := lacking(profile):
        left = len(missing) - VENDORS
        more = f" and {left} more (idetour models --all)" if left > 0 else ""
        named = [f"{vendor} ({each.key_names[0]})" for vendor, each in missing[:VENDORS]]
        lines.append(("No key yet", ", ".join(named) + more))
    rows(lines)
    request = f'{{"model":"{example}","stream":true,"messages":[{{"role":"user","content":"hello"}}]}}'
    key = " -H 'Authorization: Bearer YOUR_ACCESS_KEY'" if asks_for(profile) else ""
    console.print("\nTry it:", style="bold")
    console.print(f"curl -N {base}/v1/chat/completions{key} -d '{request}'\n")


def once() -> str:
    """What lets the owner's browser in, one time."""
    from idetour import home
    from idetour.endpoints.admin import token
    from idetour.endpoints.admin.session import link

    return link(token(home.folder("state")))


def reached(host: str) -> tuple[str, str]:
    """Where this machine reaches what listens on `host`, and where others do, as they stand in a URL."""
    wild = {"0.0.0.0": ("127.0.0.1", 4), "::": ("::1", 6)}
    here, version = wild.get(host, (host, 0))
    there = (address(version) if version else None) or here
    return url_host(here), url_host(there)


def address(version: int) -> str | None:
    """This machine's own towards others, IPv4 or 6; None without a network. Connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((NOBODY[version], 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
