"""The words and what they mean, read from package data and validated once."""

from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

from handbell.replies.types import Effect, Intent

RULES_VERSION: Final = "2026-12-01.1"


class Row(BaseModel):
    """One rule. `alone`: everyday words, which count only as the whole message."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    intent: Intent
    words: tuple[str, ...]
    alone: bool = False
    effects: frozenset[Effect] = frozenset()


class RuleTable(BaseModel):
    """One version of the rules, in order of precedence. Old versions stay, to be replayed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    polite: tuple[str, ...]
    rows: tuple[Row, ...]


@lru_cache
def load_rules(version: str = RULES_VERSION) -> RuleTable:
    raw = files(__package__).joinpath("rules", f"{version}.yaml").read_text(encoding="utf-8")
    return RuleTable.model_validate(yaml.safe_load(raw))
