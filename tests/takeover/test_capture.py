import pytest

from idetour.takeover.capture import Machine, obstacle, requirements

LINUX = Machine(system="linux", release="6.8.0-31-generic", sudo=True)


@pytest.mark.parametrize(
    ("machine", "why"),
    [
        (LINUX, None),
        (Machine(system="linux", release="6.18.44", sudo=True), None),
        (Machine(system="linux", release="5.15.167.4-microsoft-standard-WSL2", sudo=True), "6.8 or newer is needed"),
        (Machine(system="linux", release="6.8.0", sudo=False), "there is no sudo"),
        (Machine(system="win32", release="11", sudo=False), None),
        (Machine(system="darwin", release="25.1.0", sudo=True), None),
        (Machine(system="freebsd14", release="14.1", sudo=True), "Windows, macOS and Linux only"),
    ],
)  # fmt: skip
def test_it_is_offered_where_mitmproxy_can_do_it(machine: Machine, why: str | None) -> None:
    found = obstacle(machine, None)

    assert (why in found) if found and why else found is why


def test_mitmproxys_own_reason_is_handed_on() -> None:
    assert obstacle(LINUX, "no helper binary") == "mitmproxy says: no helper binary"


def test_what_it_asks_of_a_person_is_said() -> None:
    assert "administrator" in requirements(Machine(system="win32"), "Trae")
    assert "network extension" in requirements(Machine(system="darwin"), "Trae")
    assert "16" not in requirements(LINUX, "Trae")
    assert "first 16 characters" in requirements(LINUX, "a-program-with-a-long-name")
