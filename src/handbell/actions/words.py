"""The words of the pages in each language."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml

LAST_RESORT: Final = "en"


@lru_cache(maxsize=1)
def all_words() -> Mapping[str, Mapping[str, str]]:
    """Language, then the name of a text: the text. `{organization}` stands for its name."""
    source = (files("handbell.actions") / "pages" / "words.yaml").read_text("utf-8")
    words: Mapping[str, Mapping[str, str]] = yaml.safe_load(source)
    return words


def preferred_language(accepted: str) -> str:
    """The first language of an Accept-Language header that the pages have."""
    bases = (part.partition(";")[0].partition("-")[0].strip() for part in accepted.split(","))
    return next((one.lower() for one in bases if one.lower() in all_words()), LAST_RESORT)


def language_for(wanted: str) -> str:
    """The language of the pages nearest to a BCP 47 tag."""
    base = wanted.partition("-")[0].lower()
    return base if base in all_words() else LAST_RESORT
