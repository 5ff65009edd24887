"""A stand-in for Trae Agent installed in an interpreter of its own, models that are told what to say, real servers.

An installation of the real one is tried too where `TRAE_AGENT_PYTHON` names its interpreter.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.database import BINARIES, Database
from agent.model import DONE, Model, Turn, bash
from agent.serving import Server
from idetour.agent.layout import Layout
from idetour.agent.postgres import opened
from idetour.agent.route import PARAMETERS
from idetour.agent.runner import find
from idetour.agent.sqlite import Sqlite
from idetour.agent.store import Store
from idetour.endpoints.admin import token
from idetour.home import folder
from idetour.secret import Secret

if TYPE_CHECKING:
    from conftest import Serving

HERE = Path(__file__).parent
TOOLS = ["bash", "str_replace_based_edit_tool", "sequentialthinking", "task_done"]
REAL = os.environ.get("TRAE_AGENT_PYTHON")  # of who runs the tests


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter in which the stand-in is installed, with its `trae-cli` beside it."""
    folder = tmp_path_factory.mktemp("standin")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    shutil.copytree(HERE / "trae" / "trae_agent", packages / "trae_agent")
    python, cli = folder / "bin" / "python", folder / "bin" / "trae-cli"
    cli.write_text(f"#!{python}\nfrom trae_agent.cli import main\n\nmain()\n")
    cli.chmod(0o755)
    return python


@pytest.fixture(scope="session")
def known(standin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stand-in says of itself: it is asked once, and not in each test's home."""
    path = tmp_path_factory.mktemp("known") / "interpreters.json"
    find(path, {"TRAE_AGENT_PYTHON": str(standin)})
    return path


@pytest.fixture(autouse=True)
def installed(standin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in is what is found."""
    monkeypatch.setenv("TRAE_AGENT_PYTHON", str(standin))
    monkeypatch.delenv("TRAE_CLI", raising=False)


@pytest.fixture
def by_cli(standin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the driver: a wrapper hides whose script it is."""
    wrapper = standin.with_name("trae-wrapper")
    wrapper.write_text(f'#!/bin/sh\nexec "{standin.with_name("trae-cli")}" "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.delenv("TRAE_AGENT_PYTHON")
    monkeypatch.setenv("TRAE_CLI", str(wrapper))


@pytest.fixture
def models() -> Iterator[Callable[..., Model]]:
    """`models([bash("ls")], [DONE])`: as many as a test needs."""
    with contextlib.ExitStack() as stack:
        yield lambda *turns, **how: stack.enter_context(Model(*turns, **how))


@pytest.fixture
def idetour(
    home: Path,
    serving: Callable[..., "Serving"],
    profile_file: Callable[..., Path],
    models: Callable[..., Model],
) -> tuple["Serving", Model]:
    """A gateway with the model `coder`, and the upstream behind it."""
    model = models(
        [bash("env > env.txt; cat ../home/agent/runs/*/box/trae_config.yaml > config.txt; true")], [DONE]
    )
    profile = profile_file(
        f"upstreams: {{ up: {{ url: '{model.url}', key: sk-upstream }} }}\nmodels: {{ coder: up/m }}"
    )
    state = folder("state")
    return serving(profile, admin=token(state), state=state), model


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A directory in which agents may work."""
    path = tmp_path / "work"
    path.mkdir()
    return path.resolve()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    if not BINARIES:
        pytest.skip("PostgreSQL is not installed")
    database = Database()
    yield database
    database.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens the same store as often as a test wants; each test that asks for it runs with every database."""
    if request.param == "sqlite":
        return lambda: Sqlite(tmp_path / "tasks.sqlite")
    database: Database = request.getfixturevalue("postgres")
    url = Secret(database.fresh())
    return lambda: opened(url)


@pytest.fixture
def layout(home: Path) -> Layout:
    from idetour.agent.layout import ours

    return ours()


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """A configuration of Trae Agent whose model is `model`."""

    def write(model: Model | str, *, provider: str = "openrouter", **agent: Any) -> Path:
        url = model if isinstance(model, str) else model.url
        path = tmp_path / "trae_config.json.yaml"
        said = {
            "agents": {
                "trae_agent": {
                    "enable_lakeview": False,
                    "model": "m",
                    "max_steps": 10,
                    "tools": TOOLS,
                    **agent,
                }
            },
            "model_providers": {"p": {"api_key": "sk-of-the-user", "provider": provider, "base_url": url}},
            "models": {"m": {"model_provider": "p", "model": "up-model", **PARAMETERS, "max_retries": 0}},
        }
        path.write_text(json.dumps(said))
        return path

    return write


@pytest.fixture
def serve(
    layout: Layout, known: Path, work: Path, config: Callable[..., Path]
) -> Iterator[Callable[..., Server]]:
    """`serve([bash("ls")], [DONE])`: a server whose agents have that model, without a gateway."""
    shutil.copyfile(known, layout.interpreters)
    with contextlib.ExitStack() as stack:

        def start(*turns: Turn, delay: float = 0.0, status: int = 200, **settings: Any) -> Server:
            model = stack.enter_context(Model(*turns, delay=delay, status=status))
            how = {"roots": [str(work)], "config": str(config(model)), "gateway": None, **settings}
            return stack.enter_context(Server(model, work, how))

        yield start
