"""networksetup: the exact commands, its output as captured, and a round by a stand-in. macOS itself was not run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from idetour import system
from idetour.takeover import UNDO, journal, systemproxy
from idetour.takeover.desktops import macos
from idetour.takeover.desktops.desktop import Way
from idetour.takeover.desktops.macos import EXCEPT, PAC, PROXY, commands, parsed

LISTING = "An asterisk (*) denotes that a network service is disabled.\nWi-Fi\nThunderbolt Bridge\n*USB 10/100 LAN\n"
OFF = "Enabled: No\nServer: \nPort: 0\nAuthenticated Proxy Enabled: 0\n"
ON = "Enabled: Yes\nServer: 127.0.0.1\nPort: 7890\nAuthenticated Proxy Enabled: 0\n"
GONE = "** Error: The parameters were not valid.\n"
# As much of networksetup as we use, for the services of LISTING.
STAND_IN = f"""
verb, rest = argv[0], argv[1:]
key = f"{{verb.removeprefix('-get').removeprefix('-set').removesuffix('state').removesuffix('url')}}:{{rest[0] if rest else ''}}"
if verb == "-listallnetworkservices":
    print({LISTING!r}, end="")
elif verb == "-getsecurewebproxy":
    on, server, port = state.get(key, ["No", "", "0"])
    print(f"Enabled: {{on}}\\nServer: {{server}}\\nPort: {{port}}\\nAuthenticated Proxy Enabled: 0")
elif verb == "-getautoproxyurl":
    url, on = state.get(key, ["(null)", "No"])
    print(f"URL: {{url}}\\nEnabled: {{on}}")
elif verb == "-getproxybypassdomains":
    print("\\n".join(state.get(key, [])) or f"There aren't any bypass domains set on {{rest[0]}}.")
elif verb == "-setsecurewebproxy":
    state[key] = ["Yes", *rest[1:]]
elif verb == "-setsecurewebproxystate":
    state[key] = [{{"on": "Yes", "off": "No"}}[rest[1]], *state.get(key, ["", "", "0"])[1:]]
elif verb == "-setautoproxyurl":
    state[key] = [rest[1], "Yes"]
elif verb == "-setautoproxystate":
    state[key] = [state.get(key, ["(null)"])[0], {{"on": "Yes", "off": "No"}}[rest[1]]]
elif verb == "-setproxybypassdomains":
    state[key] = [] if rest[1:] == ["Empty"] else rest[1:]
else:
    sys.exit(4)
"""


def test_only_services_that_are_switched_on_are_changed() -> None:
    assert macos.services(LISTING) == ["Wi-Fi", "Thunderbolt Bridge"]
    assert (
        macos.services(system.decoded(LISTING.replace("Wi-Fi", "无线局域网").encode("gbk")))[0]
        == "无线局域网"
    )


@pytest.mark.parametrize(
    ("kind", "output", "value"),
    [
        (PROXY, OFF, "off"),
        (PROXY, ON, "on 127.0.0.1 7890"),
        (PROXY, ON.replace("Yes", "No"), "off 127.0.0.1 7890"),
        (PROXY, GONE, None),
        (PAC, "URL: (null)\nEnabled: No\n", "off"),
        (PAC, "URL: http://corp/x.pac\nEnabled: Yes\n", "on http://corp/x.pac"),
        (EXCEPT, "There aren't any bypass domains set on Wi-Fi.\n", ""),
        (EXCEPT, "*.local\n169.254/16\n", "*.local 169.254/16"),
    ],
)
def test_its_output_is_read(kind: str, output: str, value: str | None) -> None:
    assert parsed(kind, output) == value


@pytest.mark.parametrize(
    ("kind", "value", "lines"),
    [
        (PROXY, "on 127.0.0.1 8080", ["-setsecurewebproxy Wi-Fi 127.0.0.1 8080"]),
        (PROXY, "off", ["-setsecurewebproxystate Wi-Fi off"]),
        (PROXY, "off corp 80", ["-setsecurewebproxy Wi-Fi corp 80", "-setsecurewebproxystate Wi-Fi off"]),
        (PAC, "on http://h/p", ["-setautoproxyurl Wi-Fi http://h/p"]),
        (PAC, "off http://h/p", ["-setautoproxyurl Wi-Fi http://h/p", "-setautoproxystate Wi-Fi off"]),
        (EXCEPT, "a b", ["-setproxybypassdomains Wi-Fi a b"]),
        (EXCEPT, "", ["-setproxybypassdomains Wi-Fi Empty"]),
    ],
)
def test_the_commands_are_these(kind: str, value: str, lines: list[str]) -> None:
    assert [" ".join(each) for each in commands(kind, "Wi-Fi", value)] == [
        f"networksetup {line}" for line in lines
    ]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a first line")
@pytest.mark.parametrize("way", ["system-proxy", "pac"])
@pytest.mark.parametrize(
    "before", [(), ("-setsecurewebproxy", "127.0.0.1", "7890"), ("-setautoproxyurl", "http://c/x")]
)
def test_each_service_comes_here_and_goes_back(
    home: Path,
    tool: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
    before: tuple[str, ...],
    way: Way,
) -> None:
    tool("networksetup", STAND_IN)
    monkeypatch.setattr(systemproxy, "current", lambda: macos.DESKTOP)
    if before:
        system.run(["networksetup", before[0], "Wi-Fi", *before[1:]]).check()
    found = settings()
    remarks = systemproxy.on(way, "127.0.0.1:8080")
    assert len(remarks) == bool(before)
    address = "on 127.0.0.1 8080" if way == "system-proxy" else "on http://127.0.0.1:8080/proxy.pac"
    decisive = PROXY if way == "system-proxy" else PAC
    assert {macos.read(f"{decisive}:{each}") for each in macos.services(LISTING)} == {address}

    report = journal.undo(UNDO)
    assert sorted(entry.data["title"] for entry in report.undone) == ["Thunderbolt Bridge", "Wi-Fi"]
    for was, now in zip(found, settings(), strict=True):
        assert now == was or (
            was == "off" and now.startswith("off ")
        )  # where no address was, ours stays, switched off


def settings() -> list[str]:
    services = macos.services(LISTING)
    return [str(macos.read(f"{kind}:{service}")) for service in services for kind in (PROXY, PAC, EXCEPT)]
