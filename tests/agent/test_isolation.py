"""As whom an agent runs, and what it can reach then."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.model import DONE, bash, create
from agent.serving import Server
from idetour.agent.isolation import account, entered
from idetour.errors import SetupError

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, so needs root")


def test_without_isolation_the_box_lies_with_the_run(tmp_path: Path) -> None:
    cell = entered("none", tmp_path, None)

    assert (cell.box, dict(cell.popen)) == (tmp_path / "box", {})
    assert (cell.box / "home").stat().st_mode & 0o777 == 0o700
    cell.remove()
    assert not cell.box.exists()


@AS_ROOT
def test_another_user_owns_its_box(tmp_path: Path) -> None:
    cell = entered("user", tmp_path, "nobody")

    assert cell.box.stat().st_uid == account("nobody")[0] != os.geteuid()
    cell.remove()
    assert not cell.box.exists()


@AS_ROOT
def test_an_agent_that_is_another_user_works_and_cannot_read_what_is_ours(
    serve: Callable[..., Server], work: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (tmp_path, *tmp_path.parents[:2]):  # pytest closes its folders to others
        path.chmod(0o711)
    os.chown(work, *account("nobody"))
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("there is no interpreter that another user may run")
    monkeypatch.setenv("TRAE_AGENT_PYTHON", str(readable(tmp_path, python)))
    peek = f"id -u > id.txt; cat {home}/agent/token > token.txt 2>&1; kill -0 {os.getpid()} 2> kill.txt; true"
    server = serve(
        [create(str(work / "new.txt"), "x\n")], [bash(peek)], [DONE], isolation="user", user="nobody"
    )
    task = server.done()

    assert task["status"] == "completed", task["error"]
    assert (work / "id.txt").read_text().strip() == str(account("nobody")[0])
    assert "ermission denied" in (work / "token.txt").read_text()
    assert "not permitted" in (work / "kill.txt").read_text()
    assert "new.txt" in server.ask("GET", f"/api/tasks/{task['task_id']}/patch").text


def readable(folder: Path, python: Path) -> Path:
    """The stand-in where everybody may read it."""
    import shutil
    import subprocess

    made = folder / "venv"
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(made)], check=True)
    (packages,) = made.glob("lib/python3*/site-packages")
    shutil.copytree(Path(__file__).parent / "trae" / "trae_agent", packages / "trae_agent")
    return made / "bin" / "python"


@AS_ROOT
@pytest.mark.parametrize(
    ("user", "said"), [(None, "needs the name"), ("no-such-user", "no user 'no-such-user'")]
)
def test_a_user_that_is_missing_is_said_so(tmp_path: Path, user: str | None, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        entered("user", tmp_path, user)


def test_a_level_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="one of none, user"):
        entered("jail", tmp_path, None)
