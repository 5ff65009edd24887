"""docs/migrating.md: what it says of earlier tools is so, and their own command lines are answered by the whole product."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from idetour.endpoints import places
from upstream import Upstream, call, stream

if TYPE_CHECKING:
    from conftest import Running

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / name for name in ("migrating.md", "migrating.zh-CN.md")]
NOT_OURS = {
    "ADMIN_DASHBOARD_PORT",
    "CURSOR_API_KEY",
    "MODELS",
    "NAME",
    "URL",
}  # the page says what there is instead
SPAN = re.compile(r"`([^`\n]+)`")
VARIABLE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)*\b(?=$|=| )")
PATH = re.compile(
    r"^(?:(?P<method>GET|POST) )?(?P<path>/(?:v1|anthropic|api|auth|health|models|admin|docs)?[\w/]*)$"
)
AGENTS = re.compile(r"/api/(?:health|run|config|tools|tasks…?)$")
QUESTION = {"role": "user", "content": "获取北京的天气"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        yield up


@pytest.fixture(scope="module")
def url(
    module_running: Callable[..., "Running"], upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """idetour with the variables of a forwarder, whose two vendors are played by one server."""
    profile = tmp_path_factory.mktemp("migrating") / "profile.yaml"
    profile.write_text(
        f"""
upstreams:
  dashscope: {{ url: {upstream.url}, key: $DASHSCOPE_KEY }}
  nim: {{ url: {upstream.url}, key: client }}
models:
  claude-3-opus: dashscope/opus
  cursor: dashscope/cursor
""",
        encoding="utf-8",
    )
    variables = {
        "DASHSCOPE_KEY": "sk-ours-123456",
        "UPSTREAM_SERVICE": "dashscope",
        "DEFAULT_MODEL": "qwen3-max",
    }
    return module_running(profile, **variables).url


def curl(url: str, body: Any = None, *words: str) -> str:
    """What the real curl shows. It fails where the answer is an error."""
    said = [] if body is None else ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    command = [
        shutil.which("curl") or "curl",
        "-sS",
        "--fail-with-body",
        "-N",
        "--max-time",
        "20",
        *words,
        *said,
        url,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def deltas(events: str) -> list[dict[str, Any]]:
    *chunks, end = [line.removeprefix("data: ") for line in events.splitlines() if line.startswith("data: ")]
    assert end == "[DONE]"
    return [choice["delta"] for chunk in chunks for choice in json.loads(chunk)["choices"]]


def test_a_proxy_scripts_request_streams_with_the_key_that_was_typed(url: str, upstream: Upstream) -> None:
    model = "nvidia/llama-3.3-nemotron-super-49b-v1"
    asked = {"model": model, "messages": [{"role": "user", "content": "Fibonacci?"}], "stream": True}
    said = curl(f"{url}/v1/chat/completions", asked, "-H", "Authorization: Bearer nvapi-typed-123456")
    assert "".join(delta.get("content", "") for delta in deltas(said)) == "Hello, world"
    assert upstream.requests[-1].header("authorization") == "Bearer nvapi-typed-123456"
    assert upstream.requests[-1].json()["temperature"] == 0.6  # the model's own


def test_a_forwarders_request_needs_neither_path_nor_model_nor_key(url: str, upstream: Upstream) -> None:
    asked = {"messages": [{"role": "user", "content": "Hello!"}], "stream": True, "tool_choice": "auto"}
    assert len(deltas(curl(url, asked))) > 1
    sent = upstream.requests[-1]
    assert (sent.asked, sent.header("authorization")) == ("qwen3-max", "Bearer sk-ours-123456")


def test_a_forwarders_tool_call_comes_in_one_piece(url: str, upstream: Upstream) -> None:
    upstream.then(stream(*call("get_weather", {"city": "北京"})))
    asked = {
        "model": "qwen3-max",
        "messages": [QUESTION],
        "tools": [WEATHER],
        "tool_choice": "auto",
        "stream": True,
    }
    calls = [each for delta in deltas(curl(url, asked)) for each in delta.get("tool_calls", [])]
    assert json.loads("".join(each["function"]["arguments"] for each in calls)) == {"city": "北京"}
    sent = upstream.requests[-1].json()
    assert (sent["tool_choice"], sent["tools"]) == ("auto", [WEATHER])


def test_a_routers_rules_of_the_request_choose(url: str) -> None:
    asked = {
        "model": "claude-3-opus",
        "messages": [{"role": "user", "content": "看看这段代码"}],
        "routing_rules": [{"pattern": "代码", "model": "cursor"}],
    }
    said = json.loads(curl(f"{url}/api/chat", asked))
    assert (said["_actual_model_used"], said["content"]) == ("dashscope/cursor", "Hello, world")


def test_a_login_proxys_clients_find_both_protocols(url: str) -> None:
    asked = {"model": "claude-3-opus", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    said = json.loads(curl(f"{url}/anthropic/v1/messages", asked, "-H", "anthropic-version: 2023-06-01"))
    assert said["content"] == [{"type": "text", "text": "Hello, world"}]
    lists = [
        json.loads(curl(url + path))["data"] for path in ("/anthropic/v1/models", "/v1/models", "/models")
    ]
    assert [{"claude-3-opus", "cursor"} <= {each["id"] for each in data} for data in lists] == [True] * 3
    assert json.loads(curl(f"{url}/health"))["status"] == "ok"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_that_the_page_names_is_read(page: Path) -> None:
    files = [*(ROOT / "addons").rglob("*.py"), ROOT / "profiles" / "catalog.yaml"]
    code = "\n".join(file.read_text("utf-8") for file in files)
    named = {name for span in SPAN.findall(page.read_text("utf-8")) for name in VARIABLE.findall(span)}
    variables = {name for name in named if "_" in name or name in ("HOST", "PORT")} - NOT_OURS
    assert len(variables) > 10
    assert {name for name in variables if not re.search(rf"\b{name}\b", code)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_the_page_names_is_served(page: Path) -> None:
    found = [path for span in SPAN.findall(page.read_text("utf-8")) if (path := PATH.match(span))]
    ours = [each for each in found if not AGENTS.match(each["path"])]
    assert len(ours) > 10
    served = [places.find(places.tidy(each["path"])) for each in ours]
    assert [each[0] for each, place in zip(ours, served, strict=True) if place is None] == []
    methods = [
        (each[0], place and place.answers) for each, place in zip(ours, served, strict=True) if each["method"]
    ]
    assert [said for said, answers in methods if said.split()[0] not in (answers or ())] == []
