"""The words and what they mean, read from package data and validated once."""

from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

from handbell.replies.types import Effect, Intent

RULES_VERSION: Final = "2026-12-01.2"


class Row(BaseModel):
    """One rule.

    `words` count as the whole message; `phrases` (see `patterns`) anywhere in it, after what the
    look-alikes named by `unless` cover is taken out. `alone`: everyday words, which count only
    by themselves, without a "please". `parts`: the words may also stand beside each other and
    beside fillers. `not_in_question`: the phrases do not count in a text with a question mark.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    intent: Intent
    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    alone: bool = False
    parts: bool = False
    not_in_question: bool = False
    effects: frozenset[Effect] = frozenset()


class Reaction(BaseModel):
    """The words with which a telephone tells of a reaction, before or after the quoted text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    intent: Intent
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    effects: frozenset[Effect] = frozenset()


class RuleTable(BaseModel):
    """One version of the rules, in order of precedence. Old versions stay, to be replayed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    polite: tuple[str, ...]
    fillers: tuple[str, ...] = ()
    classes: dict[str, tuple[str, ...]] = {}
    look_alikes: dict[str, tuple[str, ...]] = {}
    reactions: tuple[Reaction, ...] = ()
    rows: tuple[Row, ...]


@lru_cache
def load_rules(version: str = RULES_VERSION) -> RuleTable:
    raw = files(__package__).joinpath("rules", f"{version}.yaml").read_text(encoding="utf-8")
    return RuleTable.model_validate(yaml.safe_load(raw))
