"""`idetour replay`: recorded requests go to several targets, in their own protocols, and are compared."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from idetour.cli.replay import read
from idetour.gateway.recording import Recording, encode
from upstream import Upstream, call, reply, reset_before_headers, status, stream, until
from upstream.author import author

type Idetour = Callable[..., Result]

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
CHAT = {
    "model": "gpt-4o",
    "stream": True,
    "messages": [{"role": "user", "content": "hi"}],
    "tools": [{"type": "function", "function": {"name": "write", "parameters": SCHEMA}}],
}
MESSAGES = {
    "model": "claude",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
    "tools": [{"name": "write", "input_schema": SCHEMA}],
}
RESPONSES = {"model": "gpt", "input": "hi", "stream": True}


@pytest.fixture
def mine(profile_file: Callable[..., Path], upstream: Upstream) -> Path:
    return profile_file(f"upstreams: {{ up: {{ url: '{upstream.url}' }} }}\nmodels: {{ m: up/a }}")


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """`recorded("a", "chat", CHAT)`"""

    def write(name: str, protocol: Any = "chat", body: Any = CHAT, **more: Any) -> Path:
        path = tmp_path / f"{name}.json"
        path.write_bytes(encode(Recording(protocol=protocol, body=body, **more)))
        return path

    return write


def test_each_protocol_goes_to_each_target_and_is_shown(
    idetour: Idetour, mine: Path, recorded: Callable[..., Path], upstream: Upstream
) -> None:
    headers = {"user-agent": "ide/1", "anthropic-version": "2023-06-01"}
    files = [recorded("one"), recorded("two", "messages", MESSAGES, headers=headers)]
    files.append(recorded("three", "responses", RESPONSES))
    upstream.always(reply("Hello"), asked="a")
    upstream.always(reply("Hel", "lo!"), asked="b")
    result = idetour("replay", *files, "--to", "up/a", "--to", "up/b", "--show", "--profile", mine)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("differs") == 3
    assert result.stdout.count("-Hello\n+Hello!\n") == 3
    assert sorted(request.asked for request in upstream.requests) == ["a"] * 3 + ["b"] * 3
    assert all(request.json()["messages"][-1]["content"] for request in upstream.requests)


def test_headers_that_matter_come_along(
    idetour: Idetour, profile_file: Callable[..., Path], recorded: Callable[..., Path], upstream: Upstream
) -> None:
    upstream.always(author("f", "42"))
    profile = profile_file(f"upstreams: {{ up: {{ url: '{upstream.origin}', speaks: anthropic }} }}")
    file = recorded("one", "messages", MESSAGES, headers={"anthropic-beta": "context-1m-2025-08-07"})
    result = idetour("replay", file, "--to", "up/a", "--profile", profile)

    assert result.exit_code == 0
    assert upstream.requests[-1].header("anthropic-beta") == "context-1m-2025-08-07"


def test_a_running_idetour_is_asked_with_its_key(
    idetour: Idetour,
    profile_file: Callable[..., Path],
    recorded: Callable[..., Path],
    serving: Callable[..., Any],
    upstream: Upstream,
) -> None:
    text = f"upstreams: {{ up: {{ url: '{upstream.url}' }} }}\nmodels: {{ m: up/a }}\naccess: [sk-access-0123456789]"
    port = serving(profile_file(text)).port
    refused = idetour("replay", recorded("one"), "--to", "m", "-p", port)
    named = idetour(
        "replay", recorded("one"), "--to", "m", "-p", port, IDETOUR_API_KEY="sk-access-0123456789"
    )

    assert refused.exit_code == 1
    assert "one.json to m: 401: " in refused.stdout
    assert "Here: set IDETOUR_API_KEY" in refused.stdout
    assert named.exit_code == 0
    assert named.stdout.splitlines()[1].split()[-1] == "up/a"


def test_failures_are_a_word_in_the_table_and_a_sentence_below(
    idetour: Idetour, mine: Path, recorded: Callable[..., Path], upstream: Upstream
) -> None:
    upstream.always(status(400), asked="a")
    upstream.always(stream("Hel").fin_after(2), asked="b")
    upstream.always(reset_before_headers(), asked="c")
    targets = [word for name in "abc" for word in ("--to", f"up/{name}")]
    result = idetour("replay", recorded("one"), *targets, "--to", "nope", "--profile", mine)
    table = [line.split() for line in result.stdout.splitlines()[1:5]]

    assert result.exit_code == 1
    assert [line[-1] for line in table] == ["400", "error", "502", "404"]
    assert "one.json to up/a: 400: " in result.stdout
    assert "upstream says 400" in result.stdout
    assert "one.json to up/b: error: up/b: the answer broke off" in result.stdout
    assert "No model is called 'nope' here." in result.stdout


def test_a_tool_call_that_cannot_be_run_is_a_failure(
    idetour: Idetour, mine: Path, recorded: Callable[..., Path], upstream: Upstream
) -> None:
    upstream.always(stream(*call("write", {"path": "x"})), asked="a")
    upstream.always(stream(*call("write", {"file": "x"})), asked="b")
    result = idetour("replay", recorded("one"), "--to", "up/a", "--to", "up/b", "--profile", mine)

    assert result.exit_code == 1
    assert "1 ok" in result.stdout
    assert "1 of 1 wrong" in result.stdout
    assert "one.json to up/b: write: arguments.path is missing" in result.stdout


def test_several_times_and_for_programs(
    idetour: Idetour, mine: Path, recorded: Callable[..., Path], upstream: Upstream
) -> None:
    upstream.then(stream("a"), stream("b"))
    result = idetour("replay", recorded("one"), "--to", "up/a", "--times", "2", "--json", "--profile", mine)
    made = json.loads(result.stdout)

    assert [each["said"]["text"] for each in made] == ["a", "b"]
    assert all(each["fine"] and each["first"] and each["total"] >= each["first"] for each in made)
    assert made[0]["answered"] == "up/a"


def test_what_it_cost_is_said_where_the_price_is_known(
    idetour: Idetour, mine: Path, recorded: Callable[..., Path], upstream: Upstream, home: Path
) -> None:
    prices = "prices: [{upstream: up, currency: USD, source: me, models: {a: {input: 1000000, output: 0}}}]"
    home.mkdir(exist_ok=True)
    (home / "prices.yaml").write_text(prices)
    to = ("--to", "up/a", "--to", "up/b")
    shown = idetour("replay", recorded("one", body=CHAT), *to, "--profile", mine).stdout
    told = json.loads(idetour("replay", recorded("one"), *to, "--json", "--profile", mine).stdout)

    assert "9.00 USD" in shown
    assert [each["cost"] for each in told] == [{"amount": 9.0, "currency": "USD"}, None]


def test_every_bad_file_is_told_at_once_and_nothing_is_sent(
    idetour: Idetour, mine: Path, recorded: Callable[..., Path], upstream: Upstream, tmp_path: Path
) -> None:
    (broken := tmp_path / "broken.json").write_text('{"messages": [')
    (words := tmp_path / "words.txt").write_text("hello")
    incomplete = recorded("incomplete", removed={"data": 1})
    files = [recorded("good"), broken, words, incomplete, tmp_path / "missing.json"]
    result = idetour("replay", *files, "--to", "m", "--profile", mine)

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"Error: {broken} is no JSON: Input data was truncated.",
        f"{words} is neither JSON nor a file of mitmproxy's.",
        f"{incomplete}: its images or files were left out (--no-data); it cannot be sent.",
        f"{tmp_path / 'missing.json'}: No such file or directory.",
    ]
    assert upstream.requests == []


def saved(path: Path, *flows: HTTPFlow) -> Path:
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for flow in flows:
            writer.add(flow)
    return path


def flow(path: str, content: bytes, method: str = "POST") -> HTTPFlow:
    made = tflow.tflow()
    made.request.path, made.request.method, made.request.raw_content = path, method, content
    made.request.headers["user-agent"] = "ide/1"
    return made


def test_flows_that_mitmproxy_saved_are_requests_too(tmp_path: Path) -> None:
    body = gzip.compress(json.dumps(CHAT).encode())
    other = flow("/v1/models", b"", "GET")
    asked = flow("/v1/chat/completions?x=1", body)
    asked.request.headers["content-encoding"] = "gzip"
    found = read([saved(tmp_path / "saved", other, asked)])

    assert [(each.protocol, each.asked, each.headers) for each in found] == [
        ("chat", "gpt-4o", {"user-agent": "ide/1"})
    ]
    assert found[0].source == f"{tmp_path / 'saved'}: flow 2"


def test_a_temporary_gateway_leaves_nothing_behind(
    idetour: Idetour, mine: Path, recorded: Callable[..., Path], upstream: Upstream
) -> None:
    idetour("replay", recorded("one"), "--to", "up/a", "--profile", mine)

    assert until(lambda: upstream.open == 0)  # that a connection was closed is heard a moment later
