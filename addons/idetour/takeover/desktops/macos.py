"""macOS: `networksetup`, once for each network service (Wi-Fi, Ethernet …) that is switched on.

A key is `kind:service`, a value what networksetup needs to set it again, in one text.
"""

import re

from idetour import system
from idetour.errors import SetupError
from idetour.takeover.desktops.desktop import (
    BYPASS,
    Desktop,
    Group,
    Setting,
    Value,
    Way,
    pac_url,
    with_bypass,
)

PROXY, PAC, EXCEPT = "securewebproxy", "autoproxy", "bypass"
READ = {PROXY: "-getsecurewebproxy", PAC: "-getautoproxyurl", EXCEPT: "-getproxybypassdomains"}


def services(listing: str) -> list[str]:
    """The services of `-listallnetworkservices` that are on; its first line explains the asterisk."""
    return [line for line in listing.splitlines()[1:] if line and not line.startswith("*")]


def parsed(kind: str, output: str) -> Value:
    """`on 127.0.0.1 8080`, `off`, `off http://…/proxy.pac`, or the exceptions with a space between."""
    if kind == EXCEPT:
        return "" if "aren't any" in output else " ".join(output.split())
    fields = dict(re.findall(r"^(Enabled|Server|Port|URL): ?(.*)$", output, re.M))
    if "Enabled" not in fields:
        return None  # a service that has gone
    what = [fields.get("Server", ""), fields.get("Port", "")] if kind == PROXY else [fields.get("URL", "")]
    named = bool(what[0]) and what[0] != "(null)"
    return " ".join(["on" if fields["Enabled"] == "Yes" else "off", *(what if named else ())])


def commands(kind: str, service: str, value: Value) -> list[tuple[str, ...]]:
    """What makes networksetup hold this value."""
    if kind == EXCEPT:
        return [("networksetup", "-setproxybypassdomains", service, *(str(value).split() or ["Empty"]))]
    state, *words = str(value).split()
    to, switch = (
        ("-setautoproxyurl", "-setautoproxystate") if kind == PAC else (f"-set{PROXY}", f"-set{PROXY}state")
    )
    made = [("networksetup", to, service, *words)] if words else []
    switched_on = made and state == "on"  # by setting it
    return made if switched_on else [*made, ("networksetup", switch, service, state)]


def read(key: str) -> Value:
    kind, _, service = key.partition(":")
    return parsed(kind, system.run(["networksetup", READ[kind], service]).out)


def write(key: str, value: Value) -> None:
    """As we are, and with rights only where the system asks for them. Raises SetupError."""
    kind, _, service = key.partition(":")
    for command in commands(kind, service, value) if value is not None else ():
        if not system.run(command).ok:
            system.run(command, elevate=True).check()


def plan(way: Way, address: str) -> tuple[Group, ...]:
    found = services(system.run(["networksetup", "-listallnetworkservices"]).check().out)
    if not found:
        raise SetupError("No network service is switched on (networksetup -listallnetworkservices).")
    return tuple(group(way, address, service) for service in found)


def group(way: Way, address: str, service: str) -> Group:
    proxy, pac = read(f"{PROXY}:{service}"), read(f"{PAC}:{service}")
    through = next((str(each)[3:] for each in (pac, proxy) if str(each).startswith("on ")), "")
    if way == "pac":
        return Group(
            title=service,
            values=(Setting(f"{PAC}:{service}", f"on {pac_url(address)}", decides=True),),
            through=through,
        )
    exceptions = with_bypass(str(read(f"{EXCEPT}:{service}") or "").split(), BYPASS)
    off = "off " + str(pac).partition(" ")[2]
    values = (
        Setting(f"{EXCEPT}:{service}", " ".join(exceptions)),
        Setting(f"{PAC}:{service}", off.strip()),  # it would go before the proxy
        Setting(f"{PROXY}:{service}", f"on {' '.join(address.rsplit(':', 1))}", decides=True),
    )
    return Group(title=service, values=values, through=through)


def refresh() -> None:
    """Programs are told by the system."""


DESKTOP = Desktop(name="macos", read=read, write=write, plan=plan, refresh=refresh)
