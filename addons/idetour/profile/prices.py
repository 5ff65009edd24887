"""What models cost, from `profiles/prices.yaml`, and over it `prices.yaml` in the user's own folder.

A model that stands in neither has no price: it is shown as unknown, never as
free. A mistake in the user's file is told once and leaves the shipped prices.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from idetour.errors import SetupError
from idetour.home import home, shipped
from idetour.profile import Target

FILE = "prices.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Per million tokens, for prompts of up to `up_to` tokens; None: of any length, or as `input`."""

    up_to: int | None = None
    input: float
    output: float
    cached: float | None = None
    written: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    currency: str  # ISO 4217
    source: str  # where it is from, and of when
    tiers: tuple[Tier, ...]  # rising


class _TierSpec(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    up_to: int | None = Field(None, gt=0)
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(None, ge=0)
    written: float | None = Field(None, ge=0)


class _Listed(BaseModel):
    """Several models of one upstream, from one source."""

    model_config = ConfigDict(extra="forbid")
    upstream: str | list[str]
    currency: str = Field(pattern="^[A-Z]{3}$")
    source: str
    models: dict[str, _TierSpec | list[_TierSpec]]

    @field_validator("models")
    @classmethod
    def rise(cls, models: dict[str, _TierSpec | list[_TierSpec]]) -> dict[str, _TierSpec | list[_TierSpec]]:
        for name, tiers in models.items():
            limits = [each.up_to or 2**63 for each in tiers] if isinstance(tiers, list) else [0]
            if not limits or limits != sorted(set(limits)):
                raise ValueError(f"the tiers of {name} have to rise by up_to, the last may be without")
        return models


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    prices: list[_Listed]


def read(path: Path) -> dict[str, Price]:
    """The prices of a file, by `upstream/model-id`. Raises SetupError with all that is wrong in it."""
    try:
        said = _File.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SetupError(f"{path} cannot be read: {error}.") from error
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise SetupError(f"{path}: {'; '.join(wrong)}. Write it as profiles/{FILE} is.") from None
    found: dict[str, Price] = {}
    for listed in said.prices:
        upstreams = [listed.upstream] if isinstance(listed.upstream, str) else listed.upstream
        for model, tiers in listed.models.items():
            each = tiers if isinstance(tiers, list) else [tiers]
            price = Price(
                currency=listed.currency,
                source=listed.source,
                tiers=tuple(Tier(**tier.model_dump()) for tier in each),
            )
            found |= {str(Target(upstream, model)): price for upstream in upstreams}
    return found


def load() -> tuple[Mapping[str, Price], str | None]:
    """The shipped prices with the user's over them, and what is wrong with the user's file, if anything."""
    known, own = read(shipped("profiles") / FILE), home() / FILE
    if not own.is_file():
        return known, None
    try:
        return known | read(own), None
    except SetupError as error:
        return known, str(error)
