"""The way to the model: through a running idetour with a token, or as the user's file says."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.model import DONE, Model, bash
from agent.serving import Server
from idetour.agent.gateway import Gateway
from idetour.agent.layout import Layout, admin_token
from idetour.agent.route import chosen
from idetour.agent.store import Spec
from idetour.errors import SetupError

if TYPE_CHECKING:
    from conftest import Serving


def spec(work: Path, **more: Any) -> Spec:
    return Spec(task="x", working_dir=str(work), **more)


def box(tmp_path: Path) -> Path:
    path = tmp_path / "box"
    path.mkdir()
    return path


def test_a_run_through_idetour_gets_a_token_of_its_own(
    idetour: tuple["Serving", Model], serve: Callable[..., Server], work: Path
) -> None:
    """From the request to the upstream, with real processes; no key of the upstream's is near the agent."""
    gateway, upstream = idetour
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml")
    task = server.done(model="coder")
    start = next(event for event in server.events(task["task_id"]) if event["type"] == "start")
    seen = (work / "env.txt").read_text()

    assert task["status"] == "completed", task["error"]
    assert (start["route"], start["model"]) == ("gateway", "coder")
    assert [request["key"] for request in upstream.requests] == ["sk-upstream"] * 2
    assert "OPENROUTER_API_KEY=idt-" in seen
    assert "sk-upstream" not in seen
    used = server.get(f"/api/tasks/{task['task_id']}/usage")["usage"]
    assert (used["gateway"]["requests"], used["gateway"]["prompt"], used["agent"]["requests"]) == (2, 200, 2)


def test_the_token_is_revoked_when_the_run_is_over(
    idetour: tuple["Serving", Model], serve: Callable[..., Server]
) -> None:
    gateway, _ = idetour
    serve([DONE], gateway=gateway.url, config="/nowhere.yaml").done(model="coder")

    assert Gateway(gateway.url, admin_token())._owner("GET") == {"tokens": []}


def test_the_token_of_a_lost_run_is_revoked(
    idetour: tuple["Serving", Model], serve: Callable[..., Server], layout: Layout
) -> None:
    gateway, upstream = idetour
    upstream.turns = ([bash("sleep 60")],)
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml")
    id = server.submit(model="coder")
    next(event for event in server.events(id) if event["type"] == "tool.calls")
    with closing(layout.store()) as store:
        task = store.task(id)
    assert task
    assert task.pid
    os.kill(task.pid, signal.SIGKILL)

    assert server.wait(id)["status"] == "lost"
    assert Gateway(gateway.url, admin_token())._owner("GET") == {"tokens": []}
    used = server.get(f"/api/tasks/{id}/usage")["usage"]
    assert (used["agent"]["requests"], used["gateway"]["requests"]) == (1, 1)
    assert server.ask("GET", f"/api/tasks/{id}/trajectory").status_code == 200
    assert not layout.run(id).box.exists()  # the token was in it


def test_a_run_whose_token_is_revoked_ends(
    idetour: tuple["Serving", Model], serve: Callable[..., Server]
) -> None:
    """The kill switch."""
    gateway, upstream = idetour
    upstream.turns = ([bash("sleep 0.5")],)
    server = serve([DONE], gateway=gateway.url, config="/nowhere.yaml")
    id = server.submit(model="coder")
    next(event for event in server.events(id) if event["type"] == "tool.calls")
    owner = Gateway(gateway.url, admin_token())
    owner.revoke(owner._owner("GET")["tokens"][0]["id"])

    assert "token_revoked" in server.wait(id, within=60)["error"]


def test_without_a_model_the_first_on_the_list_is_taken(
    idetour: tuple["Serving", Model], work: Path, tmp_path: Path
) -> None:
    gateway = Gateway(idetour[0].url, admin_token())
    route = chosen(spec(work), box(tmp_path), gateway, label="t")

    assert (route.name, route.model) == ("gateway", "coder")


@pytest.mark.parametrize(
    ("provider", "kind", "base"),
    [
        ("openai", "openai", "/v1"),
        ("anthropic", "anthropic", ""),
        ("google", "openrouter", "/v1"),
        (None, "openrouter", "/v1"),
    ],
)
def test_what_the_agent_speaks_is_what_idetour_can_answer(
    idetour: tuple["Serving", Model], work: Path, tmp_path: Path, provider: str | None, kind: str, base: str
) -> None:
    url = idetour[0].url
    route = chosen(
        spec(work, provider=provider, model="coder"), box(tmp_path), Gateway(url, admin_token()), label="t"
    )
    written = json.loads(route.file.read_text())

    assert written["model_providers"]["idetour"]["provider"] == kind
    assert written["model_providers"]["idetour"]["base_url"] == url + base
    assert route.environment[f"{kind.upper()}_BASE_URL"] == url + base
    assert written["agents"]["trae_agent"]["enable_lakeview"] is False
    assert route.file.stat().st_mode & 0o777 == 0o600


def test_tools_steps_and_mcp_servers_of_the_users_file_are_kept(
    idetour: tuple["Serving", Model], config: Callable[..., Path], work: Path, tmp_path: Path
) -> None:
    file = config("http://127.0.0.1:9", tools=["bash"], max_steps=3)
    file.write_text(json.dumps({**json.loads(file.read_text()), "mcp_servers": {"files": {"command": "x"}}}))
    gateway = Gateway(idetour[0].url, admin_token())
    route = chosen(spec(work, config_file=str(file)), box(tmp_path), gateway, label="t")
    written = json.loads(route.file.read_text())

    assert (written["agents"]["trae_agent"]["tools"], written["agents"]["trae_agent"]["max_steps"]) == (
        ["bash"],
        3,
    )
    assert written["mcp_servers"] == {"files": {"command": "x"}}
    assert "sk-of-the-user" not in route.file.read_text()
    assert route.model == "up-model"


def test_where_no_idetour_runs_the_users_file_is_used_and_that_is_said(
    config: Callable[..., Path], work: Path, tmp_path: Path, free_port: int
) -> None:
    gateway = Gateway(f"http://127.0.0.1:{free_port}", tmp_path / "none")
    file = config("http://127.0.0.1:9")
    route = chosen(spec(work, config_file=str(file)), box(tmp_path), gateway, label="t")

    assert (route.name, route.provider, route.card) == ("direct", "p", None)
    assert route.file.read_bytes() == file.read_bytes()
    assert "directly" in route.notes[0]


def test_with_neither_it_is_said_what_to_do(work: Path, tmp_path: Path, free_port: int) -> None:
    gateway = Gateway(f"http://127.0.0.1:{free_port}", tmp_path / "none")
    with pytest.raises(SetupError, match="Start `idetour run`"):
        chosen(spec(work), box(tmp_path), gateway, label="t")


@pytest.mark.parametrize("route", ["gateway", "direct"])
def test_a_route_that_is_asked_for_is_not_replaced(work: Path, tmp_path: Path, route: str) -> None:
    with pytest.raises(SetupError):
        chosen(spec(work, route=route), box(tmp_path), None, label="t")


def test_a_provider_that_the_file_does_not_know_is_named(
    config: Callable[..., Path], work: Path, tmp_path: Path
) -> None:
    asked = spec(work, config_file=str(config("http://127.0.0.1:9")), route="direct", provider="nobody")
    with pytest.raises(SetupError, match="knows no provider 'nobody'"):
        chosen(asked, box(tmp_path), None, label="t")
