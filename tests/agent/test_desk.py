"""What the endpoints share. More of it is seen in test_tasks.py."""

import asyncio
from pathlib import Path

import pytest

from idetour.agent.desk import check_tools, known, opened
from idetour.agent.layout import Layout
from idetour.agent.runner import Runner
from idetour.agent.settings import Settings
from idetour.agent.store import Spec
from idetour.errors import BadRequest, NotFound, RequestError


def test_a_desk_leaves_nothing_running(layout: Layout, work: Path) -> None:
    async def work_a_little() -> int:
        settings = Settings(roots=[str(work)], config="/none.yaml")
        async with opened(settings, layout, None) as desk:
            assert (await desk.runner()).kind == "driver"
            with pytest.raises(NotFound):
                await desk.stop("none")
        return len(asyncio.all_tasks())

    assert asyncio.run(work_a_little()) == 1


def test_a_store_that_cannot_be_opened_is_said_so(layout: Layout, work: Path) -> None:
    (layout.folder / "tasks.sqlite").mkdir()

    async def open_it() -> None:
        async with opened(Settings(roots=[], config=""), layout, None):
            pass

    with pytest.raises(Exception, match="cannot be kept"):
        asyncio.run(open_it())


def test_a_task_that_is_not_known_is_an_error() -> None:
    with pytest.raises(RequestError, match="There is no task"):
        known("x" * 500, None)


def test_a_tool_that_does_not_exist_is_said_so_where_tools_are_known() -> None:
    spec = Spec(task="x", working_dir="/", tools=["bash", "typo"])

    with pytest.raises(BadRequest, match=r"'typo'\. There are bash, task_done"):
        check_tools(spec, Runner(tools=({"name": "bash"}, {"name": "task_done"})))
    check_tools(spec, Runner())
