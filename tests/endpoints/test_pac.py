"""The PAC file, asked by the engine that reads it: JavaScript."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from idetour.endpoints import pac

HOSTS = ("api.openai.com", "openrouter.ai")
ASKED = ["api.openai.com", "API.OpenAI.com", "eu.api.openai.com", "api.openai.com.evil.example", "constructor", "toString", "localhost"]  # fmt: skip


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_model_hosts_come_here_and_all_else_goes_its_own_way() -> None:
    file = pac.script(HOSTS, "127.0.0.1:8080").decode()
    ask = f"{file}; console.log(JSON.stringify({json.dumps(ASKED)}.map(h => FindProxyForURL('https://' + h, h))))"
    answers = json.loads(subprocess.run(["node", "-e", ask], capture_output=True, check=True).stdout)

    assert dict(zip(ASKED, answers, strict=True)) == {
        **dict.fromkeys(ASKED, "DIRECT"),
        **dict.fromkeys(ASKED[:2], "PROXY 127.0.0.1:8080"),
    }


def test_it_is_served_at_the_address_it_was_asked_at(
    profile_file: Callable[..., Path], serving: Callable[..., Any]
) -> None:
    """Without a key: the system that asks has none."""
    profile = profile_file("models: {m: demo/hello}\naccess: [$KEYS]\nhosts: [api.openai.com]\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEYS", "a-key-that-is-long-enough")
        answer = httpx2.get(f"{serving(profile).url}/proxy.pac", trust_env=False)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ns-proxy-autoconfig"
    assert answer.text == pac.script(["api.openai.com"], answer.url.netloc.decode()).decode()


def test_it_is_not_served_to_a_web_page_under_another_name(
    profile_file: Callable[..., Path], serving: Callable[..., Any]
) -> None:
    url = serving(profile_file("models: {m: demo/hello}")).url

    assert (
        httpx2.get(f"{url}/proxy.pac", headers={"host": "evil.example"}, trust_env=False).status_code == 403
    )
