"""Who makes flows of connections, by wanting to see them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from mitmproxy.addons.dumper import Dumper

from conftest import ADDONS, healthy
from idetour.proxy import audience
from proxy.conftest import Proxy
from upstream import until

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
CHAT = "https://api.openai.com/v1/chat/completions"


@pytest.fixture
def profile(profile_file: Callable[..., Path]) -> Path:
    return profile_file("models: {gpt-4o: demo/hello}")


def test_requests_pass_mitmproxy_by_unless_flows_are_displayed(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    seen = proxy(profile, display=True)
    with seen.direct() as client, seen.client() as through:
        client.post("/v1/chat/completions", json=ASK)
        through.post(CHAT, json=ASK)
    assert [flow.request.pretty_host for flow in seen.flows()] == ["127.0.0.1", "api.openai.com"]
    unseen = proxy(profile, display=True, idetour_inspect="never")
    with unseen.direct() as client, unseen.client() as through:
        assert client.post("/v1/chat/completions", json=ASK).status_code == 200
        assert through.post(CHAT, json=ASK).status_code == 200
    assert unseen.flows() == []


def test_flows_that_are_to_be_saved_are_not_passed_by(
    proxy: Callable[..., Proxy], profile: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "flows.mitm"
    running = proxy(profile, save_stream_file=str(saved))
    with running.direct() as client, running.client() as through:
        client.post("/v1/chat/completions", json=ASK)
        through.get("https://api.openai.com/v1/models")
    assert until(lambda: saved.exists() and b"/v1/chat/completions" in saved.read_bytes())
    assert until(lambda: b"/v1/models" in saved.read_bytes())


def wanted(running: Proxy) -> tuple[bool, bool]:
    """Whether an intercepted connection becomes flows now, and whether a direct one does."""
    return running.on_loop(
        lambda: (audience.inspected(intercepted=True), audience.inspected(intercepted=False))
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (False, False)),
        ({"idetour_inspect": "always"}, (True, True)),
        ({"display": True}, (True, True)),
        ({"display": True, "idetour_inspect": "never"}, (False, False)),
        ({"idetour_trace": True}, (True, False)),
        ({"modify_headers": ["/~q/x-team/blue"]}, (True, False)),
        ({"block_list": [":~d example.com:404"]}, (True, False)),
        ({"proxyauth": "any"}, (True, False)),
        ({"allow_hosts": ["example.com"]}, (True, False)),
        ({"ciphers_client": "ECDHE+AESGCM"}, (True, False)),
    ],
    ids=str,
)
def test_an_intercepted_connection_is_seen_by_whoever_has_to_do_with_it(
    proxy: Callable[..., Proxy], profile: Path, options: dict[str, Any], expected: tuple[bool, bool]
) -> None:
    running = proxy(profile, **options)
    assert until(lambda: wanted(running) == expected)


class Counting:
    """An addon of somebody else's."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def request(self, flow: Any) -> None:
        self.hosts.append(flow.request.pretty_host)


def test_an_addon_that_is_loaded_while_we_run_sees_the_next_connection(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    running, theirs = proxy(profile), Counting()
    assert until(lambda: wanted(running) == (False, False))
    running.on_loop(lambda: running.master.addons.add(theirs))
    assert wanted(running) == (True, False)
    with running.client() as client:
        client.get("https://api.openai.com/v1/models")
    assert theirs.hosts == ["api.openai.com"]


def test_a_script_that_only_holds_addons_of_ours_wants_nothing(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    running, script = proxy(profile), ModuleType("script")
    running.on_loop(lambda: running.master.addons.add(script))
    assert until(lambda: wanted(running) == (False, False))


def test_mitmdumps_lines_are_wanted_unless_it_is_quiet(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile)
    running.on_loop(lambda: running.master.addons.add(Dumper()))
    assert until(lambda: wanted(running) == (True, False))
    running.on_loop(lambda: running.master.options.update(flow_detail=0))
    assert wanted(running) == (False, False)


@pytest.mark.parametrize("quiet", [False, True])
def test_a_real_mitmdump_prints_intercepted_requests_as_ever(
    profile: Path, home: Path, tmp_path: Path, free_port: int, quiet: bool
) -> None:
    command = [str(Path(sys.executable).with_name("mitmdump")), "-s", str(ADDONS / "addon.py")]
    settings = {"confdir": tmp_path / "mitmproxy", "idetour_profile": profile, "listen_port": free_port}
    command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    said = tmp_path / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen([*command, *["-q"] * quiet], stdout=output, stderr=output)
    try:
        assert until(lambda: healthy(free_port), within=20)
        with httpx2.Client(proxy=f"http://127.0.0.1:{free_port}", trust_env=False) as client:
            with pytest.raises(httpx2.ConnectError):  # it does not trust us
                client.get("https://api.openai.com/v1/models")
            assert client.get("http://api.openai.com/v1/models").status_code == 200
        line = "GET http://api.openai.com/v1/models"
        assert quiet or until(lambda: line in said.read_text())  # it comes after the answer
    finally:
        process.kill()
        process.wait()
    assert (line in said.read_text()) is not quiet
