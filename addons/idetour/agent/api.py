"""The HTTP interface, put together. Whoever used the Flask server that was put around Trae Agent finds its paths,
bodies and errors here; everything beyond them is an addition.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import msgspec
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from idetour import __version__
from idetour.agent import about, layout, tasks
from idetour.agent.answers import refusal
from idetour.agent.desk import opened
from idetour.agent.guard import Guard, token
from idetour.agent.layout import Layout
from idetour.agent.settings import VARIABLE, Settings
from idetour.agent.store import Unwritable
from idetour.errors import BadRequest, RequestError
from idetour.secret import Secret

log = logging.getLogger("idetour")

WORDS = {  # where the framework's would not be understood
    "json_invalid": "it is no JSON",
    "missing": "it is missing",
    "model_attributes_type": "it is no JSON object",
}


def made(settings: Settings, place: Layout, token: Secret | None) -> ASGIApp:
    """The application. Nothing runs before its lifespan begins."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings, place, token) as desk:
            app.state.desk = desk
            yield

    app = FastAPI(
        title="idetour agent",
        version=__version__,
        description="Agent runs over HTTP.",
        lifespan=life,
        docs_url=None,  # it would load scripts from elsewhere
        redoc_url=None,
    )
    app.include_router(about.router)
    app.include_router(tasks.router)
    refusals(app, debug=settings.debug)
    return Guard(
        app,
        token,
        hosts=frozenset(settings.hosts),
        origins=frozenset(settings.origins),
    )


def refusals(app: FastAPI, *, debug: bool) -> None:
    """One shape for every error, the framework's own included."""

    @app.exception_handler(RequestError)
    async def ours(_: Request, error: RequestError) -> Response:
        return refusal(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return refusal(BadRequest("; ".join(map(problem, error.errors()))))

    @app.exception_handler(HTTPException)
    async def framework(asked: Request, error: HTTPException) -> Response:
        words = {
            404: f"There is nothing at {asked.url.path}. See /docs.",
            405: f"{asked.url.path} does not take {asked.method}, but {(error.headers or {}).get('Allow')}.",
        }
        message = words.get(error.status_code, str(error.detail))
        said = RequestError(message, status=error.status_code, headers=error.headers)
        said.code = HTTPStatus(error.status_code).name.lower()
        return refusal(said)

    @app.exception_handler(Unwritable)
    async def unwritable(_: Request, error: Unwritable) -> Response:
        return refusal(RequestError(str(error), status=503, code="no_room", headers={"retry-after": "30"}))

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> Response:
        log.error("a request failed through a fault of idetour's own", exc_info=error)
        said = RequestError("idetour itself failed; its log says why.", code="internal_error")
        return refusal(said, cause=error if debug else None)


def problem(found: dict[str, object]) -> str:
    """A mistake in a request, in words: where, and what."""
    place = found.get("loc")
    parts = [part for part in place[1:] if isinstance(part, str)] if isinstance(place, tuple) else []
    return f"{'.'.join(parts) or 'the body'}: {WORDS.get(str(found.get('type'))) or found.get('msg')}"


def application() -> ASGIApp:
    """For uvicorn's worker processes, which get their settings from the environment."""
    settings = msgspec.json.decode(os.environ[VARIABLE], type=Settings)
    place = layout.ours()
    return made(settings, place, None if settings.open else token(place.folder))


def serving(settings: Settings, host: str, port: int, *, workers: int) -> None:
    """Listen until we are told to end. Tasks go on by themselves."""
    os.environ[VARIABLE] = msgspec.json.encode(settings).decode()
    uvicorn.run(
        "idetour.agent.api:application",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level="critical",  # the application reports its own faults, once
        server_header=False,
        timeout_graceful_shutdown=1,  # streams have no end of their own
    )
