"""The endpoints that say what is here: health, configuration, tools, figures, and the page for people."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from idetour import __version__, described
from idetour.agent import request
from idetour.agent.answers import Json, success
from idetour.agent.config import Config, existing, read
from idetour.agent.settings import Settings
from idetour.agent.store import ACTIVE, STATUSES
from idetour.agent.tasks import At
from idetour.errors import BadRequest, SetupError

router = APIRouter()

# Where Trae Agent cannot be asked: what its last release had.
TOOLS = (
    {"name": "bash", "description": "Run commands in a bash shell"},
    {"name": "str_replace_based_edit_tool", "description": "View, create and edit files"},
    {"name": "json_edit_tool", "description": "Edit JSON files with JSONPath expressions"},
    {"name": "sequentialthinking", "description": "Think in steps that may be revised"},
    {"name": "task_done", "description": "Report the completion of the task"},
    {"name": "ckg", "description": "Query the code knowledge graph of a codebase"},
)


@router.get("/api/health", summary="Whether the server runs")
async def health(at: At) -> Response:
    counts = await asyncio.to_thread(at.store.counts)
    return Json(
        {
            "status": "healthy",
            "message": "Trae Agent API is running",
            "version": __version__,
            "runner": (await at.runner()).kind,
            "queued": counts.get("queued", 0),
            "running": sum(counts.get(status, 0) for status in ACTIVE),
        }
    )


@router.get("/api/config", summary="The configuration of Trae Agent, without keys")
async def config(
    at: At,
    asked: Request,
    config_file: str | None = None,
    provider: str | None = None,
    model: str | None = None,
) -> Response:
    if "api_key" in asked.query_params:
        raise BadRequest("A key in a URL ends in logs: `api_key` is not taken.", param="api_key")
    return success(config=await asyncio.to_thread(settings, at.settings, config_file, provider, model))


def settings(ours: Settings, asked: str | None, provider: str | None, model: str | None) -> dict[str, Any]:
    """Raises BadRequest for a file that cannot be read, Forbidden for one that may not be."""
    path = request.config_place(asked, ours)
    found = existing(path)
    try:
        read_in = read(found, provider=provider) if found else Config()
    except SetupError as error:
        raise BadRequest(str(error), param="config_file") from error
    return {
        "config_file": asked or str(path),
        "config_exists": found is not None,
        "general_settings": {"default_provider": read_in.provider, "max_steps": read_in.max_steps},
        "provider_settings": {
            "provider": provider or read_in.provider,
            "model": model or read_in.model,
            "base_url": read_in.base_url,
            "api_version": read_in.api_version,
            "api_key_set": read_in.api_key_set,
            **{name: read_in.parameters.get(name) for name in ("max_tokens", "temperature", "top_p")},
        },
    }


@router.get("/api/tools", summary="The tools that an agent may be given")
async def tools(at: At) -> Response:
    found = (await at.runner()).tools or TOOLS
    return success(tools=list(found), total_tools=len(found))


@router.get("/metrics", summary="Figures for Prometheus")
async def metrics(at: At) -> Response:
    counts = await asyncio.to_thread(at.store.counts)
    return PlainTextResponse("\n".join(exposed(counts)) + "\n", media_type="text/plain; version=0.0.4")


def exposed(counts: Mapping[str, int]) -> Iterable[str]:
    yield "# HELP idetour_agent_tasks Tasks by status, since the oldest that is kept."
    yield "# TYPE idetour_agent_tasks gauge"
    for status in STATUSES:
        yield f'idetour_agent_tasks{{status="{status}"}} {counts.get(status, 0)}'


@router.get("/docs", include_in_schema=False)
async def docs(asked: Request) -> Response:
    """Without scripts of others, and without any."""
    text = await asyncio.to_thread(described.written, asked.app.openapi())
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return HTMLResponse(text, headers={"content-security-policy": policy})
