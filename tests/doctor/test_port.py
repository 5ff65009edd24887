from collections.abc import Callable

from idetour.doctor import Road, port
from upstream import Upstream


def test_nobody_on_the_port_says_how_to_start(road: Callable[..., Road], free_port: int) -> None:
    made = road(port=free_port)
    [finding] = port.HOP.look(made)

    assert (finding.state, finding.text) == ("broken", f"Nothing listens on port {free_port}")
    assert finding.remedy == f"Start it: idetour run {made.wanted} -p {free_port}"


def test_another_program_on_the_port_is_named(road: Callable[..., Road], upstream: Upstream) -> None:
    [finding] = port.HOP.look(road(port=upstream.port))

    assert finding.state == "broken"
    assert finding.text.startswith(f"Port {upstream.port} is held by p")
    assert "(pid " in finding.text
    assert f"What answers at http://127.0.0.1:{upstream.port} is not idetour." in finding.text


def test_443_of_another_program_is_the_end_of_a_hosts_file() -> None:
    [finding] = port.https("nginx (pid 7)", "idetour (pid 8)", v4=True, v6=True)

    assert finding.state == "broken"
    assert finding.text.startswith("Port 443 is held by nginx (pid 7), not by idetour")


def test_443_that_nobody_holds_says_so() -> None:
    [finding] = port.https(None, "idetour (pid 8)", v4=False, v6=False)

    assert finding.state == "broken"
    assert "nobody listens there" in finding.text


def test_443_that_answers_is_sound_whoever_leads_it_here() -> None:
    assert [each.state for each in port.https(None, "idetour (pid 8)", v4=True, v6=True)] == ["ok"]
    assert [each.state for each in port.https(None, None, v4=True, v6=False)] == ["note"]
