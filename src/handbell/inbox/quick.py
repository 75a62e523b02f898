"""Texts that are ready to be sent, in the patient's language."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml

from handbell.inbox.types import QuickReply

FALLBACK: Final = "en"


def quick_replies(language: str) -> list[QuickReply]:
    """Each text in the language, else in its base language, else in English."""
    base = language.partition("-")[0]
    return [
        QuickReply(name=name, language=found, text=texts[found])
        for name, texts in _packaged().items()
        for found in [next(one for one in (language, base, FALLBACK) if one in texts)]
    ]


@lru_cache(maxsize=1)
def _packaged() -> Mapping[str, Mapping[str, str]]:
    source = (files("handbell.inbox") / "quick_replies.yaml").read_text("utf-8")
    packaged: Mapping[str, Mapping[str, str]] = yaml.safe_load(source)
    return packaged
