"""The dated rules about revocations, read from package data and validated once."""

from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

from handbell.platform.vocabulary import Channel

RULES_VERSION: Final = "2026-11-24.3"


class DeadlineRule(BaseModel):
    """How many business days a revocation on some channels may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    channels: frozenset[Channel]
    business_days: Annotated[int, Field(ge=1, le=60)]
    source: str


class RevokeAllScope(BaseModel):
    """From `effective_on` (a day in `zone`) a word against one kind of care message ends all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    effective_on: date
    zone: str
    source: str


class ConsentRules(BaseModel):
    """One version of the rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    deadlines: tuple[DeadlineRule, ...]
    revoke_all_scope: RevokeAllScope


@lru_cache(maxsize=8)
def load_rules(version: str = RULES_VERSION) -> ConsentRules:
    """The rules of that version; raises FileNotFoundError or pydantic's ValidationError."""
    source = files("handbell.consent").joinpath("rules", f"{version}.yaml")
    return ConsentRules.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))
