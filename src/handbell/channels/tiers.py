"""What providers let a line do, as data: `tiers.yaml`, with the source of each number."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

from handbell.channels.types import PairRate, Provider

UNLIMITED: Final = "unlimited"
"""The tier of the sandbox's lines."""


class Tier(BaseModel):
    """`units_per_second` counts SMS segments, else messages; None where no limit is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    units_per_second: float | None = Field(gt=0)
    daily_cap: int | None = Field(default=None, ge=1)
    day_zone: str = "UTC"
    recipient: PairRate | None = None
    source: str


class _Default(BaseModel):
    provider: Provider
    matches: str
    tier: str


class _Table(BaseModel):
    version: str
    tiers: dict[str, Tier]
    defaults: tuple[_Default, ...]


@cache
def _table() -> _Table:
    raw = files(__package__).joinpath("tiers.yaml").read_text(encoding="utf-8")
    return _Table.model_validate(yaml.safe_load(raw))


def tiers() -> dict[str, Tier]:
    """All tiers by their names."""
    return _table().tiers


def default_tier(provider: Provider, address: str) -> str:
    """The tier of a line that was told none: the least that a number of its looks may do."""
    return next(
        one.tier
        for one in _table().defaults
        if one.provider is provider and re.search(one.matches, address)
    )
