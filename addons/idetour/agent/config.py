"""What a `trae_config.yaml` (or the older `.json`) says, read without Trae Agent and with its precedence.

Trae Agent lets the environment win over the file (its README says otherwise).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idetour.errors import SetupError

AGENT = "trae_agent"
TOOLS = ("bash", "str_replace_based_edit_tool", "sequentialthinking", "task_done")  # Trae Agent's own default
PARAMETERS = ("max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "parallel_tool_calls")
MOST = 1 << 20  # bytes of a file
MAX_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One agent's settings. Without a file, Trae Agent's defaults. No key is in it."""

    path: Path | None = None
    provider: str | None = None  # its name in the file
    kind: str | None = None  # what it speaks: openai, anthropic …
    model: str | None = None
    base_url: str | None = None
    api_version: str | None = None
    api_key_set: bool = False
    max_steps: int = MAX_STEPS
    parameters: Mapping[str, Any] = field(default_factory=dict)  # max_tokens, temperature …
    tools: tuple[str, ...] = TOOLS
    mcp: Mapping[str, Any] = field(default_factory=dict, repr=False)  # mcp_servers, allow_mcp_servers


def existing(path: Path) -> Path | None:
    """The file that Trae Agent would read: a `.yaml` that is missing may have a `.json` of its name beside it."""
    return next((each for each in (path, path.with_suffix(".json")) if each.is_file()), None)


def read(path: Path, *, provider: str | None = None, own: Mapping[str, str] = os.environ) -> Config:
    """The settings in a file, with another of its providers if one is named. Raises SetupError."""
    said = parsed(path)
    understood = older if path.suffix == ".json" else newer
    try:
        return understood(path, said, provider).over(own)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise SetupError(f"{path} is no configuration of Trae Agent: {what}.") from None


@dataclass(frozen=True, slots=True)
class Found:
    """What a file says, before the environment has its say."""

    path: Path
    provider: str
    account: Mapping[str, Any]
    model: Mapping[str, Any]
    agent: Mapping[str, Any]
    whole: Mapping[str, Any]

    def over(self, own: Mapping[str, str]) -> Config:
        kind = str(self.account.get("provider") or self.provider)
        key = own.get(f"{kind.upper()}_API_KEY") or self.account.get("api_key")
        return Config(
            path=self.path,
            provider=self.provider,
            kind=kind,
            model=self.model.get("model"),
            base_url=own.get(f"{kind.upper()}_BASE_URL") or self.account.get("base_url"),
            api_version=self.account.get("api_version"),
            api_key_set=bool(key),
            max_steps=int(self.agent.get("max_steps") or MAX_STEPS),
            parameters={name: self.model[name] for name in PARAMETERS if name in self.model},
            tools=tuple(self.agent.get("tools") or TOOLS),
            mcp={
                name: self.whole[name] for name in ("mcp_servers", "allow_mcp_servers") if name in self.whole
            },
        )


def newer(path: Path, said: Mapping[str, Any], provider: str | None) -> Found:
    agent = said["agents"][AGENT]
    model = said["models"][agent["model"]]
    name = str(model["model_provider"])
    accounts = said["model_providers"]
    if provider is not None and provider in accounts:
        name = provider
    return Found(path, name, accounts[name], model, agent, said)


def older(path: Path, said: Mapping[str, Any], provider: str | None) -> Found:
    """The JSON of before: model parameters stand with their provider."""
    accounts = said["model_providers"]
    name = provider if provider is not None and provider in accounts else str(said["default_provider"])
    return Found(path, name, accounts[name], accounts[name], {**said, "model": None}, said)


def parsed(path: Path) -> Mapping[str, Any]:
    import yaml  # which a task without a file is spared

    try:
        if path.stat().st_size > MOST:
            raise SetupError(f"{path} is too long for a configuration.")
        said = yaml.safe_load(path.read_text("utf-8"))  # JSON is YAML
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = f" (line {mark.line + 1})" if (mark := getattr(error, "problem_mark", None)) else ""
        raise SetupError(f"{path} cannot be parsed{line}.") from None
    if not isinstance(said, dict):
        raise SetupError(f"{path} is no configuration of Trae Agent: it holds no mapping.")
    return said
