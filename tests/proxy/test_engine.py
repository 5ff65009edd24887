"""The gateway starts and ends with mitmproxy."""

import os
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from conftest import ADDONS, healthy
from proxy.conftest import Proxy
from upstream import until

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def profile(profile_file: Callable[..., Path]) -> Path:
    return profile_file("models: {gpt-4o: demo/hello}")


def test_the_end_leaves_nothing_unwritten_and_no_file_open(profile: Path, home: Path) -> None:
    with Proxy(profile) as running, running.direct() as client:
        assert client.post("/v1/chat/completions", json=ASK).status_code == 200
    with closing(sqlite3.connect(home / "state" / "usage.sqlite")) as kept:
        assert kept.execute("SELECT asked, outcome FROM requests").fetchall() == [("gpt-4o", "ok")]
    assert [*(home / "state").glob("*-wal")] == []


def test_the_script_can_be_loaded_again_while_it_runs(tmp_path: Path, home: Path, free_port: int) -> None:
    script = tmp_path / "addon.py"
    script.write_text("from idetour.proxy import addons\n__all__ = ['addons']\n")

    mitmdump = str(Path(sys.executable).with_name("mitmdump"))
    command = [mitmdump, "-s", str(script), "--listen-port", str(free_port), "--set"]
    said = tmp_path / "said.txt"
    environment = {**os.environ, "PYTHONPATH": str(ADDONS), "PYTHONUNBUFFERED": "1"}
    with said.open("w") as output:
        process = subprocess.Popen(
            [*command, f"confdir={tmp_path}"], stdout=output, stderr=output, env=environment
        )
    try:
        assert until(lambda: healthy(free_port), within=20)
        os.utime(script, (time.time() + 5, time.time() + 5))
        assert until(lambda: said.read_text().count("Loading script") == 2, within=10)
        assert until(lambda: healthy(free_port), within=10)
        assert "Traceback" not in said.read_text()
    finally:
        process.kill()
        process.wait()


def test_we_do_not_ask_ourselves_for_models(
    proxy: Callable[..., Proxy], profile_file: Callable[..., Path]
) -> None:
    profile = profile_file("models: {gpt-4o: demo/hello}")
    running = proxy(profile, display=True)
    upkeep = running.master.addons.get("engine").gateway.upkeep
    assert upkeep.own() == {running.port}


def test_the_hop_port_answers_nobody_but_the_proxy(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile)
    hop = running.master.addons.get("engine").gateway.hop
    assert httpx2.get(f"http://127.0.0.1:{hop}/v1/models", trust_env=False).status_code == 403


def test_a_host_that_is_added_while_we_run_is_intercepted_with_our_certificate(
    either: Callable[..., Proxy], profile_file: Callable[..., Path]
) -> None:
    path = profile_file("models: {gpt-4o: demo/hello}")
    with either(path).client() as client:
        path.write_text("models: {gpt-4o: demo/hello}\nhosts: [api.openai.com, openrouter.ai]\n")
        assert until(lambda: listed(client, "https://openrouter.ai/api/v1/models"), within=5)


def listed(client: httpx2.Client, url: str) -> bool:
    try:
        return bool(client.get(url).json()["data"])
    except (httpx2.HTTPError, ValueError, LookupError):
        return False


def test_tls_as_we_show_it_is_of_today_and_speaks_http_1_1(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    running = proxy(profile)
    contexts = running.master.addons.get("engine").tls
    assert contexts.keys() == running.authority.chains.keys()
    assert {context.minimum_version for context in contexts.values()} == {ssl.TLSVersion.TLSv1_2}
