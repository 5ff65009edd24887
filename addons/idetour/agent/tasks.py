"""The endpoints of tasks: start, list, follow, stop, and fetch what they made."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, Header, Query, Request
from starlette.responses import FileResponse, Response, StreamingResponse

from idetour.agent import events, request
from idetour.agent.answers import success
from idetour.agent.desk import Desk
from idetour.agent.guard import TICKET_SECONDS, ticket
from idetour.agent.outcome import Tally
from idetour.agent.request import NOT_TAKEN, Asked
from idetour.agent.store import LIVE, STATUSES, Conflict, Event, Status, Task
from idetour.errors import BadRequest, NotFound

router = APIRouter(prefix="/api")
LONGEST_KEY = 200  # characters
# The second lets nginx pass events on at once.
STREAM = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


type At = Annotated[Desk, Depends(desk)]


@router.post("/run", summary="Start a task")
async def run(
    at: At,
    asked: Asked,
    raw: Request,
    idempotency_key: Annotated[str | None, Header(max_length=LONGEST_KEY)] = None,
) -> Response:
    """It is queued; the answer names it. The same `Idempotency-Key` again means the same task."""
    for name in NOT_TAKEN:
        if name in await raw.json():
            raise BadRequest(
                f"`{name}` is not taken from a request. Name a model that idetour knows.", param=name
            )
    spec = await asyncio.to_thread(request.spec, asked, at.settings)
    task = await at.submit(spec, priority=asked.priority, key=idempotency_key)
    return success(message="Task started successfully", task_id=task.id)


@router.get("/tasks", summary="The newest tasks")
async def tasks(
    at: At,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """`cursor` is the id of the last task of the page before."""
    wanted = (status,) if status else STATUSES
    found = await asyncio.to_thread(at.store.tasks, wanted, limit=limit, before=cursor)
    now = time.time()
    listed = [brief(task, now) for task in found]
    return success(active_tasks=listed, total_tasks=len(listed))


@router.get("/tasks/{id}", summary="All about a task")
async def one(at: At, id: str) -> Response:
    return success(task=full(await at.task(id), time.time()))


@router.delete("/tasks/{id}", summary="Forget a task that is over")
async def delete(at: At, id: str) -> Response:
    if (await at.task(id)).live:
        raise Conflict("The task is not over. Stop it first.", code="task_active")
    await asyncio.to_thread(at.store.delete, id)
    await asyncio.to_thread(at.layout.run(id).remove)
    return success(message="Task deleted")


@router.get("/tasks/{id}/status", summary="How a task stands, and its events")
async def status(
    at: At,
    id: str,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
) -> Response:
    """Reading takes nothing away: who asks again gets the same events again."""
    task = await at.task(id)
    found = await asyncio.to_thread(at.store.events, id, after=after, limit=limit)
    return success(
        task_id=id,
        task_status=task.status,
        start_time=task.started or task.created,
        duration=task.seconds(time.time()),
        messages=[event.shown(id) for event in found],
    )


@router.post("/tasks/{id}/stop", summary="Stop a task, with every process that it started")
async def stop(at: At, id: str, force: Annotated[bool, Body(embed=True)] = False) -> Response:
    task = await at.stop(id, force=force)
    if task.live:
        return success(message="Task is being stopped", task_status=task.status)
    done = "Task stopped successfully" if task.status == "cancelled" else "Task had finished already"
    return success(message=done)


@router.post("/tasks/{id}/retry", summary="Start the same task again")
async def retry(at: At, id: str) -> Response:
    task = await at.task(id)
    if task.live:
        raise Conflict("The task is not over.", code="task_active")
    again = await at.submit(task.spec, priority=task.priority)
    return success(message="Task started successfully", task_id=again.id)


@router.post("/tasks/{id}/ticket", summary="Let a browser read a task's stream")
async def admit(at: At, id: str) -> Response:
    """EventSource sends no headers: append the answer to the stream's URL as `?access_token=`."""
    task, until = await at.task(id), time.time() + TICKET_SECONDS
    made = ticket(at.token, task.id, until) if at.token else ""
    return success(ticket=made, expires=until)


@router.get("/tasks/{id}/stream", summary="A task's events as they happen (SSE)")
async def stream(
    at: At,
    id: str,
    after: Annotated[int, Query(ge=0)] = 0,
    named: bool = False,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """From the first event, or after the one that `Last-Event-ID` or `?after=` names, to `end`.

    204 where there is none left: it stops a browser from coming back for ever.
    """
    task = await at.task(id)
    if last_event_id:
        if not (last_event_id.isascii() and last_event_id.isdigit()):
            raise BadRequest("`Last-Event-ID` is the number of an event.")
        after = int(last_event_id)
    if not task.live and after >= task.last:
        return Response(status_code=204)
    told = lines(at, task, after, named=named)
    return StreamingResponse(told, media_type="text/event-stream", headers=STREAM)


async def lines(at: Desk, task: Task, after: int, *, named: bool) -> AsyncIterator[bytes]:
    yield events.RETRY
    async for event in at.feed.follow(task.id, after):
        yield events.PING if event is None else events.line(event, task.id, named=named)


@router.get("/tasks/{id}/trajectory", summary="What Trae Agent recorded")
async def trajectory(at: At, id: str) -> Response:
    run = at.layout.run((await at.task(id)).id)
    found = await at.file(id, run.trajectory)
    while_running = run.box / "trajectory.json"
    return file(found if found.is_file() else while_running, "application/json", "trajectory")


@router.get("/tasks/{id}/patch", summary="Exactly what the agent changed")
async def patch(at: At, id: str) -> Response:
    run = at.layout.run((await at.task(id)).id)
    return file(await at.file(id, run.patch), "text/x-diff", "patch")


@router.get("/tasks/{id}/log", summary="What the agent wrote to its console")
async def console(at: At, id: str) -> Response:
    """Ranges are served: `Range: bytes=-4096` is its end."""
    run = at.layout.run((await at.task(id)).id)
    return file(await at.file(id, run.log), "text/plain; charset=utf-8", "log")


@router.get("/tasks/{id}/usage", summary="Requests and tokens")
async def usage(at: At, id: str) -> Response:
    """As the agent counted them and, for a task that went through idetour, as idetour did."""
    task = await at.task(id)
    found = await asyncio.to_thread(spent, at, task)
    return success(task_id=id, usage=found)


def spent(at: Desk, task: Task) -> dict[str, Any]:
    """Of all answers until now; and of the last event but one, which has the sums."""
    tally, after = Tally(), 0
    while found := at.store.events(task.id, after=after):
        for event in found:
            if sums := event.data.get("usage") if event.type in ("complete", "stopped", "error") else None:
                return {"agent": tally.usage, **sums}
            tally.count(event.type, event.data)
        after = found[-1].seq
    return {"agent": tally.usage}


@router.get("/events", summary="The newest event of each task that is not over (SSE)")
async def all_events(at: At) -> Response:
    """For a board of all tasks: a line whenever one of them has moved on."""
    return StreamingResponse(board(at), media_type="text/event-stream", headers=STREAM)


async def board(at: Desk) -> AsyncIterator[bytes]:
    yield events.RETRY
    seen: dict[str, int] = {}
    quiet = time.monotonic()
    while True:
        live = await asyncio.to_thread(at.store.tasks, LIVE, limit=1000)
        over = [await at.task(id) for id in seen.keys() - {task.id for task in live}]
        for task in [*live, *over]:
            if seen.get(task.id) != task.last:
                quiet = time.monotonic()
                for event in await asyncio.to_thread(at.store.events, task.id, after=task.last - 1, limit=1):
                    yield unnumbered(event, task.id)
            seen[task.id] = task.last
        for task in over:
            del seen[task.id]
        if time.monotonic() - quiet > events.PING_SECONDS:
            quiet = time.monotonic()
            yield events.PING
        await asyncio.sleep(0.25)


def unnumbered(event: Event, task: str) -> bytes:
    """Numbers are a task's own, so none may be taken for a place in this stream."""
    return b"data: " + msgspec.json.encode(event.shown(task)) + b"\n\n"


def brief(task: Task, now: float) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "status": task.status,
        "start_time": task.started or task.created,
        "duration": task.seconds(now),
    }


def full(task: Task, now: float) -> dict[str, Any]:
    own = ("created", "started", "finished", "priority", "success", "result", "error")
    return {
        **brief(task, now),
        **{name: getattr(task, name) for name in own},
        "events": task.last,
        "request": msgspec.to_builtins(task.spec),
    }


def file(path: Path, kind: str, what: str) -> Response:
    """Raises NotFound."""
    if not path.is_file():
        raise NotFound(f"This task has no {what}, or not yet.")
    return FileResponse(path, media_type=kind, headers={"x-content-type-options": "nosniff"})
