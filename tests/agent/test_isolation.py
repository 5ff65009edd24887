"""As whom an agent runs, and what it can reach then."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.model import DONE, bash, create
from agent.serving import Server
from agent.test_enter import NAMESPACES
from idetour.agent import tree
from idetour.agent.isolation import account, clear, elsewhere, entered, template
from idetour.agent.store import Spec
from idetour.errors import SetupError
from upstream import until

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, so needs root")


def spec(level: str, work: str = "/w", **more: Any) -> Spec:
    return Spec(task="x", working_dir=work, isolation=level, **more)


def test_without_isolation_the_box_lies_with_the_run(tmp_path: Path) -> None:
    cell = entered(spec("none"), tmp_path)

    assert (cell.box, dict(cell.popen)) == (tmp_path / "box", {})
    assert (cell.box / "home").stat().st_mode & 0o777 == 0o700
    cell.remove()
    assert not cell.box.exists()


def test_what_a_supervisor_could_not_remove_is_removed_wherever_it_lies(tmp_path: Path) -> None:
    run = tmp_path / "0123456789"
    (run / "box").mkdir(parents=True)
    away, anothers = elsewhere(run), elsewhere(tmp_path / "abcdef0123")
    clear(run)

    assert (run.is_dir(), (run / "box").exists(), away.exists(), anothers.exists()) == (
        True,
        False,
        False,
        True,
    )
    anothers.rmdir()


@AS_ROOT
def test_another_user_owns_its_box(tmp_path: Path) -> None:
    cell = entered(spec("user", user="nobody"), tmp_path)

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
        entered(spec("user", user=user), tmp_path)


def test_a_level_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="one of none, user"):
        entered(spec("jail"), tmp_path)


@NAMESPACES
def test_an_agent_in_namespaces_works_and_writes_nowhere_else(
    serve: Callable[..., Server], work: Path, home: Path, tmp_path: Path
) -> None:
    peek = f"cat {home}/agent/token; ls {home} | wc -l > {work}/seen; touch {tmp_path}/out; ls /proc | grep -c '^[0-9]'"
    server = serve([create(str(work / "new.txt"), "x\n")], [bash(peek)], [DONE], isolation="namespace")
    task = server.done()

    assert task["status"] == "completed", task["error"]
    assert (work / "seen").read_text().strip() == "0"
    assert not (tmp_path / "out").exists()
    assert "new.txt" in server.ask("GET", f"/api/tasks/{task['task_id']}/patch").text


@NAMESPACES
def test_what_runs_in_namespaces_is_stopped_whole(serve: Callable[..., Server], work: Path) -> None:
    server = serve([bash("(setsid sleep 60 &); touch ready; sleep 60")], isolation="namespace")
    id = server.submit()
    assert until((work / "ready").exists, within=15)
    server.ask("POST", f"/api/tasks/{id}/stop")

    assert server.wait(id)["status"] == "cancelled"
    assert tree.marked(id) == []


def test_no_agent_works_where_its_namespace_hides_things(home: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="hides"):
        entered(spec("namespace", f"{home}/x"), tmp_path)


# What a container's client does, but for the container: nothing is inherited, and it survives its client.
CLIENT = """#!/bin/sh
workdir=$1; environment=$2; shift 2
cd "$workdir"
env -i $(cat "$environment") setsid "$@" &
echo $! > "$workdir/container"
wait $!
"""


def test_an_agent_in_a_container_reports_through_a_pipe_and_inherits_nothing(
    serve: Callable[..., Server], work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "sings")
    (client := tmp_path / "client").write_text(CLIENT)
    client.chmod(0o755)
    stop = f"sh -c 'echo {{task}} > {tmp_path}/stopped'"
    how = {"container": f"{client} {{workdir}} {{rundir}}/environment {{command}}", "container_stop": stop}
    server = serve([bash("env > env.txt")], [DONE], isolation="container", **how)
    task = server.done()
    types = [event["type"] for event in server.events(task["task_id"])]

    assert task["status"] == "completed", task["error"]
    assert (types.count("step.completed"), types[-2:]) == (2, ["complete", "end"])
    assert "CANARY" not in (work / "env.txt").read_text()
    assert (tmp_path / "stopped").read_text().strip() == task["task_id"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "where {workdir} is mounted"),
        ("docker run -v {workdir}:/w {command}", "where {rundir} is mounted"),
        ("docker -v {workdir} -v {rundir} 'sh {command}'", "has to stand by itself"),
        ("docker 'unclosed", "No closing quotation"),
    ],
)
def test_a_template_that_cannot_work_is_said_so(text: str | None, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        template(text)
