"""What a request may ask for, and what becomes of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.model import DONE
from agent.serving import Server
from idetour.agent.request import Asked, spec
from idetour.agent.settings import Settings
from idetour.errors import BadRequest, Forbidden


@pytest.fixture
def settings(work: Path, tmp_path: Path) -> Settings:
    return Settings(roots=[str(work)], config=str(tmp_path / "conf" / "trae_config.yaml"), seconds=100)


def made(settings: Settings, work: Path, **asked: Any) -> Any:
    return spec(Asked(**{"task": "x", "working_dir": str(work), **asked}), settings)


def test_what_is_asked_is_kept_within_the_servers_limits(settings: Settings, work: Path) -> None:
    found = made(settings, work, timeout_s=1e9, max_steps=5, must_patch=True, metadata={"ticket": 1})

    assert (found.task, found.working_dir, found.seconds) == ("x", str(work), 100)
    assert (found.max_steps, found.must_patch, found.metadata) == (5, True, {"ticket": 1})
    assert made(settings, work, timeout_s=3).seconds == 3


def test_the_task_may_stand_in_a_file(settings: Settings, work: Path) -> None:
    (work / "task.md").write_text("read me")

    assert made(settings, work, task=None, file_path="task.md").task == "read me"
    for asked in (
        {"task": "x", "file_path": "task.md"},
        {"task": " "},
        {"task": None},
        {"task": None, "file_path": "none"},
    ):
        with pytest.raises(BadRequest):
            made(settings, work, **asked)


def test_a_configuration_lies_beside_the_servers_or_below_a_root(
    settings: Settings, work: Path, config: Callable[..., Path]
) -> None:
    text = config("http://127.0.0.1:9").read_text()
    folder = Path(settings.config).parent
    folder.mkdir()
    for path in (folder / "trae_config.yaml", folder / "b.yaml", work / "c.yaml"):
        path.write_text(text)

    assert (
        made(settings, work).config_file == made(settings, work, config_file="trae_config.yaml").config_file
    )
    assert made(settings, work).config_file == settings.config
    assert made(settings, work, config_file="b.yaml").config_file == str(folder / "b.yaml")
    assert made(settings, work, config_file=str(work / "c.yaml")).config_file == str(work / "c.yaml")
    for outside in ("/etc/passwd", "../trae_config.json.yaml"):
        with pytest.raises(Forbidden):
            made(settings, work, config_file=outside)
    for absent in ("none.yaml", "\0"):
        with pytest.raises(BadRequest):
            made(settings, work, config_file=absent)


def test_the_servers_own_configuration_need_not_be_there_also_if_it_is_named(
    settings: Settings, work: Path
) -> None:
    for named in ("trae_config.yaml", settings.config):
        assert made(settings, work, config_file=named).config_file is None


def test_a_request_that_is_refused_makes_no_directory(settings: Settings, work: Path) -> None:
    for asked in ({"patch_path": "/etc/x"}, {"config_file": "none.yaml"}, {"task": ""}):
        with pytest.raises(BadRequest):
            made(settings, work, working_dir=f"{work}/new", **asked)
    assert not (work / "new").exists()
    made(settings, work, working_dir=f"{work}/new")
    assert (work / "new").is_dir()


def test_a_configuration_that_is_broken_is_said_so_at_once(settings: Settings, work: Path) -> None:
    (work / "c.yaml").write_text("a: [")
    with pytest.raises(BadRequest, match="cannot be parsed"):
        made(settings, work, config_file=str(work / "c.yaml"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_steps", 0),
        ("max_steps", "many"),
        ("agent_type", "other"),
        ("timeout_s", -1),
        ("working_dir", None),
        ("route", "elsewhere"),
        ("tools", "bash"),
        ("api_key", "sk-x"),
        ("model_base_url", "http://evil.example"),
    ],
)
def test_a_mistake_is_named(serve: Callable[..., Server], field: str, value: object) -> None:
    server = serve([DONE])
    answer = server.ask("POST", "/api/run", {"task": "x", "working_dir": str(server.work), field: value})

    assert answer.status_code == 400
    assert answer.json()["status"] == "error"
    assert field in answer.json()["error"]
    assert server.get("/api/tasks")["total_tasks"] == 0


@pytest.mark.parametrize("body", ["", "{", "[]", "3", '"x"', "null", '{"task": NaN}'])
def test_what_is_no_object_is_refused(serve: Callable[..., Server], body: str) -> None:
    import httpx2

    server = serve([DONE])
    headers = {**server.key, "content-type": "application/json"}
    answer = httpx2.post(f"{server.url}/api/run", content=body, headers=headers, trust_env=False)

    assert (answer.status_code, answer.json()["status"]) == (400, "error")
