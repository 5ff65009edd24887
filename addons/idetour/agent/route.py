"""The way of a run to its model, and the configuration that Trae Agent gets for it.

`gateway`: through idetour, with a token of the task's own. `direct`: as the
user's own configuration says, with the user's key. If none is asked for, the
gateway is taken where it runs, else the configuration where there is one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from idetour import disk
from idetour.agent.config import Config, existing, read
from idetour.agent.environment import passed_on
from idetour.agent.gateway import Gateway, Pass
from idetour.agent.store import Spec
from idetour.errors import SetupError

SLACK = 120.0  # seconds that a token outlives its task's own limit
PROVIDER = "idetour"  # its name in the file that we write

# What Trae Agent can speak to us. Its other clients ignore the base URL, or are broken for tools.
SPOKEN = {"openai": "openai", "anthropic": "anthropic"}
PLAIN = "openrouter"  # Chat Completions
# All of these are required by Trae Agent's own rules. A retry there sleeps for up to 30 s; the gateway retries itself.
PARAMETERS: Mapping[str, Any] = {
    "max_tokens": 8192,
    "temperature": 0.5,
    "top_p": 1,
    "top_k": 0,
    "parallel_tool_calls": False,
    "max_retries": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where the model is, as the agent is told."""

    name: str  # gateway, direct
    file: Path
    provider: str
    model: str | None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    card: Pass | None = None
    notes: tuple[str, ...] = ()


def chosen(spec: Spec, box: Path, gateway: Gateway | None, *, label: str) -> Route:
    """The route of a run; its configuration is written into the `box`. Raises SetupError."""
    file = existing(Path(spec.config_file)) if spec.config_file else None
    config = read(file, provider=spec.provider) if file else Config()
    if spec.route == "direct":
        return direct(spec, box, config)
    if spec.route == "gateway" or (gateway and gateway.answers()):
        if gateway is None:
            raise SetupError(
                "This server knows no idetour: start it with `--gateway URL`, or ask for `direct`."
            )
        return through(spec, box, config, gateway=gateway, label=label)
    if config.path is None:
        at = f" at {gateway.url}" if gateway else ""
        raise SetupError(
            f"No idetour answers{at}, and there is no trae_config.yaml. Start `idetour run`, "
            "or name a configuration of Trae Agent (TRAE_CONFIG_FILE)."
        )
    note = f"No idetour answers: this run uses the keys in {config.path} directly, where its shell can read them."
    return replace(direct(spec, box, config), notes=(note,))


def through(spec: Spec, box: Path, config: Config, *, gateway: Gateway, label: str) -> Route:
    """By the gateway, whose models have the names that it knows."""
    card = gateway.issue(label, seconds=spec.seconds + SLACK)
    kind = SPOKEN.get(spec.provider or "", PLAIN)
    model = spec.model or config.model or gateway.first_model(card.token)
    base = gateway.url if kind == "anthropic" else f"{gateway.url}/v1"
    account = {"api_key": card.token.reveal(), "provider": kind, "base_url": base}
    made = {
        "agents": {
            "trae_agent": {
                "enable_lakeview": False,  # two more requests a step, which many models refuse
                "model": PROVIDER,
                "max_steps": spec.max_steps or config.max_steps,
                "tools": list(spec.tools or config.tools),
            }
        },
        "model_providers": {PROVIDER: account},
        "models": {
            PROVIDER: {
                "model_provider": PROVIDER,
                "model": model,
                **PARAMETERS,
                **kept(config),
                "max_retries": 1,
            }
        },
        **config.mcp,
    }
    text = json.dumps(made, ensure_ascii=False)  # JSON is YAML
    file = disk.create(box / "trae_config.yaml", text.encode())
    variables = {f"{kind.upper()}_API_KEY": card.token.reveal(), f"{kind.upper()}_BASE_URL": base}
    return Route(name="gateway", file=file, provider=PROVIDER, model=model, environment=variables, card=card)


def kept(config: Config) -> dict[str, Any]:
    return {name: value for name, value in config.parameters.items() if value is not None}


def direct(spec: Spec, box: Path, config: Config) -> Route:
    """As the user's file says. A copy is used: the agent may be another user, and may write."""
    if config.path is None or config.provider is None:
        raise SetupError(
            "A direct run needs a configuration of Trae Agent: `config_file`, or TRAE_CONFIG_FILE."
        )
    if spec.provider and spec.provider != config.provider:
        raise SetupError(f"{config.path} knows no provider {spec.provider!r}.")
    file = disk.create(box / config.path.name, config.path.read_bytes())
    return Route(
        name="direct",
        file=file,
        provider=config.provider,
        model=spec.model or config.model,
        environment=passed_on(config.kind or config.provider),
    )
