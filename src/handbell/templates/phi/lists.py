"""The packaged lists of words, as they stand in their files."""

from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml

from handbell.templates.phi.spelling import plain

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C where there is one: it is several times as fast, and as safe."""


@lru_cache(maxsize=32)
def read(name: str) -> dict[str, list[str]]:
    """The words of one file by their key: a language, or what the file says they are."""
    text = (files(__package__) / "words" / f"{name}.yaml").read_text("utf-8")
    listed: dict[str, list[str]] = yaml.load(text, _Loader)  # noqa: S506
    return listed


def alternatives(name: str, key: str) -> str:
    """The words of a key as one pattern for plain text, the longest first."""
    return "|".join(sorted((plain(one) for one in read(name)[key]), key=len, reverse=True))


def as_written(name: str, key: str) -> str:
    """The words of a key as one pattern for a text as it was written, the longest first."""
    return "|".join(sorted(read(name)[key], key=len, reverse=True))
