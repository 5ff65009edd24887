"""The clients: what each is called in its registry, and how it is told to ask idetour and to work without questions."""

import json
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Literal

type Protocol = Literal["chat", "messages", "responses"]

FILE, CONTENT = "hello.txt", "42"
TASK = f"Create a file {FILE} in this folder whose whole content is {CONTENT}. Then stop."
MODEL = "coder"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one client works: its installation, its own home, an empty project, and idetour's base URL."""

    programs: Path
    home: Path
    project: Path
    url: str = ""

    def write(self, path: str, text: str) -> None:
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    arguments: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Client:
    """A program of a package. The scripted model speaks another protocol than it does."""

    name: str
    package: str
    program: str
    _: KW_ONLY
    speaks: Protocol
    start: Callable[[Place], Start]
    installer: Literal["npm", "pip", "none"] = "npm"  # none: `program` is a path

    @property
    def upstream(self) -> Protocol:
        return "chat" if self.speaks == "messages" else "messages"


def claude_code(place: Place) -> Start:
    return Start(
        arguments=["-p", TASK, "--permission-mode", "acceptEdits"],
        environment={
            "ANTHROPIC_BASE_URL": place.url,
            "ANTHROPIC_AUTH_TOKEN": "anything",
            "ANTHROPIC_MODEL": MODEL,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": MODEL,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    )


def codex(place: Place) -> Start:
    place.write(
        ".codex/config.toml",
        f'model = "{MODEL}"\nmodel_provider = "idetour"\n[analytics]\nenabled = false\n'
        f'[model_providers.idetour]\nname = "idetour"\nbase_url = "{place.url}/v1"\nwire_api = "responses"\n',
    )
    # The folder is a temporary one, and a sandbox inside a container is often not to be had.
    skip = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
    return Start(arguments=["exec", *skip, TASK])


def qwen_code(place: Place) -> Start:
    place.write(".qwen/settings.json", json.dumps({"privacy": {"usageStatisticsEnabled": False}}))
    return Start(
        arguments=["-p", TASK, "--approval-mode", "yolo"],
        environment={
            "OPENAI_BASE_URL": f"{place.url}/v1",
            "OPENAI_API_KEY": "anything",
            "OPENAI_MODEL": MODEL,
        },
    )


def opencode(place: Place) -> Start:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{place.url}/v1", "apiKey": "anything"},
        "models": {MODEL: {"limit": {"context": 128_000, "output": 16_000}}},
    }
    settings = {
        "provider": {"idetour": provider},
        "model": f"idetour/{MODEL}",
        "permission": {"edit": "allow", "bash": "allow", "external_directory": "allow"},
        "autoupdate": False,
    }
    place.write(".config/opencode/opencode.json", json.dumps(settings))
    return Start(arguments=["run", TASK], environment={"OPENCODE_DISABLE_MODELS_FETCH": "1"})


def aider(place: Place) -> Start:
    road = ["--openai-api-base", f"{place.url}/v1", "--openai-api-key", "anything"]
    quiet = [
        "--analytics-disable",
        "--no-check-update",
        "--no-show-model-warnings",
        "--no-show-release-notes",
    ]
    return Start(
        arguments=[
            *(*road, *quiet, "--no-git", "--yes-always", "--no-pretty", "--edit-format", "whole"),
            *("--model", f"openai/{MODEL}", "--message", TASK),
        ],
        environment={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    )


CLIENTS = (
    Client("Claude Code", "@anthropic-ai/claude-code", "claude", speaks="messages", start=claude_code),
    Client("Codex", "@openai/codex", "codex", speaks="responses", start=codex),
    Client("Qwen Code", "@qwen-code/qwen-code", "qwen", speaks="chat", start=qwen_code),
    Client("opencode", "opencode-ai", "opencode", speaks="chat", start=opencode),
    Client("aider", "aider-chat", "aider", speaks="chat", start=aider, installer="pip"),
)
