"""Where a request goes and with which headers: nothing of the client's, and the key for nobody else."""

from dataclasses import replace

import pytest

from idetour.profile import Catalog, Upstream
from idetour.secret import Secret
from idetour.upstreams.openai import address, headers

UP = Upstream(name="up", title="Up", url="https://up.test/v1")


@pytest.mark.parametrize(
    ("upstream", "url"),
    [
        ("nim", "https://integrate.api.nvidia.com/v1/chat/completions"),
        ("dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions"),
        ("openrouter", "https://openrouter.ai/api/v1/chat/completions"),
        ("ollama", "http://127.0.0.1:11434/v1/chat/completions"),
    ],
)
def test_each_upstream_is_asked_at_its_own_address(catalog: Catalog, upstream: str, url: str) -> None:
    assert address(catalog.upstreams[upstream]) == url


def test_the_headers_are_ours_and_the_key_the_upstreams() -> None:
    assert headers(UP, Secret("sk-test-000"), stream=True) == {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "idetour",
        "authorization": "Bearer sk-test-000",
    }


def test_without_a_key_nothing_authorises() -> None:
    assert "authorization" not in headers(UP, None, stream=False)


def test_headers_of_the_profile_win_over_ours_however_they_are_spelt() -> None:
    upstream = replace(UP, headers={"User-Agent": "mine", "X-Title": "me", "Authorization": "no"})
    made = headers(upstream, Secret("sk-test-000"), stream=False)

    assert made["user-agent"] == "mine"
    assert made["x-title"] == "me"
    assert made["authorization"] == "Bearer sk-test-000"
    assert len(made) == 6


def test_ollama_has_openais_paths_beside_its_own() -> None:
    for url in ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"):
        ollama = replace(UP, url=url, speaks="ollama")
        assert address(ollama, "embeddings") == "http://127.0.0.1:11434/v1/embeddings"
