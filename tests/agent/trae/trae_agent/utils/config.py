"""Configurations: which keys there must be, and what wins (the command line, then the environment, then the file)."""

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self


class ConfigError(Exception):
    pass


@dataclass
class ModelProvider:
    api_key: str
    provider: str
    base_url: str | None = None
    api_version: str | None = None


@dataclass
class ModelConfig:
    model: str
    model_provider: ModelProvider
    temperature: float
    top_p: float
    top_k: int
    parallel_tool_calls: bool
    max_retries: int
    max_tokens: int | None = None


@dataclass
class TraeAgentConfig:
    model: ModelConfig
    max_steps: int
    tools: list[str]
    enable_lakeview: bool = True
    allow_mcp_servers: Any = None


class Config:
    def __init__(self, said: dict[str, Any]) -> None:
        self.model_providers = {name: ModelProvider(**each) for name, each in said["model_providers"].items()}
        agent = dict(said["agents"]["trae_agent"])
        model = dict(said["models"][agent.pop("model")])
        provider = self.model_providers[model.pop("model_provider")]
        model = {field.name: model[field.name] for field in fields(ModelConfig) if field.name in model}
        self.trae_agent = TraeAgentConfig(model=ModelConfig(model_provider=provider, **model), **agent)

    @classmethod
    def create(cls, *, config_file: str) -> Self:
        return cls(json.loads(Path(config_file).read_text()))

    def resolve_config_values(
        self,
        *,
        provider: str | None = None,
        model: str | None = None,
        model_base_url: str | None = None,
        api_key: str | None = None,
        max_steps: int | None = None,
    ) -> Self:
        mine = self.trae_agent.model
        if provider in self.model_providers:
            mine.model_provider = self.model_providers[str(provider)]
        elif provider and api_key:
            mine.model_provider = ModelProvider(api_key, provider, model_base_url)
        elif provider:
            raise ConfigError("To register a new model provider, an api_key should be provided")
        name = mine.model_provider.provider.upper()
        mine.model = model or mine.model
        mine.model_provider.api_key = (
            api_key or os.environ.get(f"{name}_API_KEY") or mine.model_provider.api_key
        )
        base = model_base_url or os.environ.get(f"{name}_BASE_URL") or mine.model_provider.base_url
        mine.model_provider.base_url = base
        self.trae_agent.max_steps = max_steps or self.trae_agent.max_steps
        return self
