"""Where in a text something stands, as a person counts: lines and columns from 1."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """`part` is `body`, `subject`, `preheader` or a part of the WhatsApp form; in a generic
    sibling it begins with `generic.`. Without a line the whole part is meant."""

    part: str
    line: int | None = None
    column: int | None = None

    def inside(self, whole: str) -> "Place":
        """The same place seen from around the part."""
        return Place(f"{whole}.{self.part}", self.line, self.column)

    def to_details(self) -> dict[str, object]:
        """What an error shows of it."""
        return {"part": self.part, "line": self.line, "column": self.column}


def place_in(source: str, index: int, *, part: str) -> Place:
    """The place of the character at `index`."""
    before = source[:index]
    return Place(part, before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1)
