"""What staff read about a message, in their language; the words are data."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

from handbell.messages.types import Lifecycle, Reason


class Language(StrEnum):
    """The languages in which staff can be told why."""

    EN = "en"
    ES = "es"
    HI = "hi"


_FULL_STOP: Final = {Language.EN: ".", Language.ES: ".", Language.HI: "।"}


class Words(BaseModel):
    """Each opening and each reason in each language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    openings: Mapping[Lifecycle, Mapping[Language, str]]
    reasons: Mapping[Reason, Mapping[Language, str]]


@lru_cache(maxsize=1)
def load_words() -> Words:
    """The packaged words; raises pydantic's ValidationError for an entry of nothing we know."""
    told = files("handbell.messages").joinpath("words.yaml").read_text(encoding="utf-8")
    return Words.model_validate(yaml.safe_load(told))


def words_of(reason: Reason, language: Language = Language.EN) -> str:
    """A reason as a clause that may follow a colon."""
    return load_words().reasons[reason][language]


def summary(
    lifecycle: Lifecycle,
    reasons: Sequence[Reason],
    language: Language = Language.EN,
    *,
    at: str | None,
    sent: str | None,
) -> str:
    """What became of a message and why, in one sentence."""
    opening = load_words().openings[lifecycle][language].format(at=at, sent=sent)
    why = "; ".join(words_of(reason, language) for reason in reasons)
    return f"{opening}: {why}{_FULL_STOP[language]}" if why else opening + _FULL_STOP[language]
