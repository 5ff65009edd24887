"""What the server says of itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.model import DONE
from agent.serving import Server
from idetour import __version__

type Serve = Callable[..., Server]


def test_health_says_what_the_older_server_said_and_more(serve: Serve) -> None:
    assert serve([DONE]).get("/api/health") == {
        "status": "healthy",
        "message": "Trae Agent API is running",
        "version": __version__,
        "runner": "driver",
        "queued": 0,
        "running": 0,
    }


def test_health_is_good_and_tasks_are_refused_where_there_is_no_agent(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAE_AGENT_PYTHON", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    server = serve([DONE])
    answer = server.ask("POST", "/api/run", {"task": "x", "working_dir": str(server.work)})

    assert server.get("/api/health")["runner"] == "unavailable"
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "no_runner",
        "60",
    )
    assert server.get("/api/tools")["total_tools"] == 6


def test_the_configuration_is_shown_without_its_key(serve: Serve) -> None:
    server = serve([DONE])
    said = server.ask("GET", "/api/config").text
    found = server.get("/api/config?provider=p&model=other")["config"]

    assert "sk-of-the-user" not in said
    assert found == {
        "config_file": server.settings.config,
        "config_exists": True,
        "general_settings": {"default_provider": "p", "max_steps": 10},
        "provider_settings": {
            "provider": "p",
            "model": "other",
            "base_url": server.model.url,
            "api_version": None,
            "api_key_set": True,
            "max_tokens": 8192,
            "temperature": 0.5,
            "top_p": 1,
        },
    }


def test_a_configuration_that_is_missing_is_no_error(serve: Serve, tmp_path: Path) -> None:
    server = serve([DONE])

    assert server.get("/api/config?config_file=none.yaml")["config"]["config_exists"] is False
    assert server.ask("GET", "/api/config?config_file=/etc/passwd").status_code == 403
    assert server.ask("GET", "/api/config?api_key=sk-x").status_code == 400


def test_the_tools_are_those_of_the_agent(serve: Serve) -> None:
    said = serve([DONE]).get("/api/tools")

    assert (said["total_tools"], said["tools"][0]) == (
        4,
        {"name": "bash", "description": "Run commands in a shell"},
    )


def test_figures_are_given_for_every_status(serve: Serve) -> None:
    server = serve([DONE])
    server.done()
    said = server.ask("GET", "/metrics").text

    assert 'idetour_agent_tasks{status="completed"} 1\n' in said
    assert 'idetour_agent_tasks{status="queued"} 0\n' in said


def test_the_page_describes_every_path_and_loads_nothing(serve: Serve) -> None:
    server = serve([DONE])
    answer = server.ask("GET", "/docs")
    paths = server.get("/openapi.json")["paths"]

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert "http://" not in answer.text.replace("http://www.w3.org", "")
    assert [path for path in paths if path not in answer.text] == []
