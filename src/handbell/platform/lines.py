"""Texts of one line that people give: names, and what else is shown as it stands."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError

from handbell.platform.errors import InvalidError

MOST: Final = 200


class NameUnusable(InvalidError):
    """The name is empty, too long, or holds control characters."""

    code = "name_unusable"

    def __init__(self) -> None:
        super().__init__(f"A name has 1 to {MOST} characters that can be printed.", field="name")


def printable(text: str) -> str:
    """The text; raises `ValueError` where it holds control characters other than line ends."""
    if any(unicodedata.category(character) == "Cc" and character != "\n" for character in text):
        raise ValueError("control characters")
    return text


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST),
    AfterValidator(printable),
]
_LINE: Final[TypeAdapter[str]] = TypeAdapter(Line)


def as_name(text: str) -> str:
    """The name without white space around it. Raises `NameUnusable`."""
    try:
        return _LINE.validate_python(text)
    except ValidationError as wrong:
        raise NameUnusable from wrong
