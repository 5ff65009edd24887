"""The body of `POST /api/run`, and the task that it stands for."""

import uuid
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from idetour.agent.config import existing, read
from idetour.agent.settings import Settings
from idetour.agent.store import Spec
from idetour.agent.workspace import allowed, made, within
from idetour.errors import BadRequest, Forbidden, SetupError

TASK = 200_000  # characters
# The tool before us took them: any web page could have sent tasks to a model of its own.
NOT_TAKEN = ("api_key", "model_base_url")


class Asked(BaseModel):
    """What an agent is to do, and where."""

    model_config = ConfigDict(extra="ignore")

    task: str | None = Field(None, max_length=TASK, description="In words. Or `file_path`.")
    file_path: str | None = Field(None, description="A file inside `working_dir` that holds the task.")
    working_dir: str = Field(
        description="Absolute, below one of the server's roots; made where it is missing."
    )
    create: bool = Field(True, description="Whether `working_dir` is made.")
    provider: str | None = Field(None, description="What the agent speaks: openai, anthropic, …")
    model: str | None = Field(None, max_length=200, description="A name that idetour knows.")
    max_steps: int | None = Field(None, ge=1, le=10_000)
    must_patch: bool = Field(False, description="A run that changes no file has failed.")
    agent_type: Literal["trae_agent"] = "trae_agent"
    config_file: str | None = Field(
        None, description="Of Trae Agent, beside the server's own or below a root."
    )
    trajectory_file: str | None = Field(None, description="A copy, inside `working_dir`.")
    patch_path: str | None = Field(None, description="A copy, inside `working_dir`.")
    tools: list[str] | None = Field(None, max_length=50)
    timeout_s: float | None = Field(None, gt=0, description="No more than the server allows.")
    route: Literal["auto", "gateway", "direct"] = "auto"
    keep_background: bool = Field(False, description="Leave running what the agent started.")
    live: bool = Field(
        True, description="`llm.delta` events: what the model says while it says it, through idetour."
    )
    priority: int = Field(0, ge=-100, le=100)
    metadata: dict[str, Any] = Field(default_factory=dict)
    webhook: str | None = Field(
        None,
        max_length=2000,
        pattern="^https?://",
        description="A URL that gets a POST when the task is over.",
    )


def spec(asked: Asked, settings: Settings) -> Spec:
    """Raises BadRequest, Forbidden. Touches the disk."""
    roots = [Path(root) for root in settings.roots]
    work = allowed(asked.working_dir, roots)
    for name in ("trajectory_file", "patch_path"):
        if path := getattr(asked, name):
            within(path, work, name)
    config = configuration(asked.config_file, settings)
    if config:
        try:
            read(config, provider=asked.provider)
        except SetupError as error:
            raise BadRequest(str(error), param="config_file") from error
    task = words(asked, work)
    made(work, create=asked.create)  # not for a request that is refused
    return Spec(
        task=task,
        working_dir=str(work),
        provider=asked.provider,
        model=asked.model,
        max_steps=asked.max_steps,
        must_patch=asked.must_patch,
        tools=asked.tools,
        config_file=str(config) if config else None,
        route=asked.route,
        gateway=settings.gateway,
        trajectory_file=asked.trajectory_file,
        patch_path=asked.patch_path,
        keep_background=asked.keep_background,
        seconds=min(asked.timeout_s or settings.seconds, settings.seconds),
        idle=settings.idle,
        output=settings.output,
        live=asked.live and settings.live,
        limits=settings.limits,
        isolation=settings.isolation,
        user=settings.user,
        container=settings.container,
        container_stop=settings.container_stop,
        metadata=asked.metadata,
        webhook=asked.webhook,
    )


def new_id() -> str:
    return str(uuid.uuid4())


def words(asked: Asked, work: Path) -> str:
    """The task itself. Raises BadRequest."""
    if bool(asked.task and asked.task.strip()) == bool(asked.file_path):
        raise BadRequest("Say what to do: `task`, or `file_path`, not both.", param="task")
    if not asked.file_path:
        return str(asked.task)
    path = within(asked.file_path, work, "file_path")
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(TASK + 1)
    except (OSError, ValueError):
        raise BadRequest(f"`file_path` {path} cannot be read as text.", param="file_path") from None
    if not text.strip() or len(text) > TASK:
        raise BadRequest(
            f"`file_path` {path} holds no task of at most {TASK:,} characters.", param="file_path"
        )
    return text


def configuration(asked: str | None, settings: Settings) -> Path | None:
    """The file that is used, if there is one: the server's own need not be there, be it named or not.

    Raises BadRequest, Forbidden.
    """
    path = config_place(asked, settings)
    found = existing(path)
    if asked and not found and path != Path(settings.config).resolve():
        raise BadRequest(f"There is no configuration {asked}.", param="config_file")
    return found


def config_place(asked: str | None, settings: Settings) -> Path:
    """Where a configuration lies, whether it is there or not: beside the server's own, or below a root."""
    default = Path(settings.config)
    if asked is None:
        return default
    if "\0" in asked:
        raise BadRequest("`config_file` is no path.", param="config_file")
    path = (default.parent / asked).resolve()
    if not any(path.is_relative_to(each) for each in [str(default.parent.resolve()), *settings.roots]):
        raise Forbidden(
            f"`config_file` must lie in {default.parent} or below a root.",
            code="outside_roots",
            param="config_file",
        )
    return path
