"""What passes between a client and a provider, and what was found wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from handbell.channels.types import Provider
from handbell.platform.transport import Answer


class Asker(StrEnum):
    """Who made a request. One broken on purpose must break the provider's document."""

    OURS = "our client"
    SDK = "SDK"
    BROKEN = "broken on purpose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One thing that is tried."""

    provider: Provider
    asker: Asker
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it was on the wire. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return media_type(self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer."""

    scenario: Scenario
    asked: Asked
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook that the sandbox called; `url` is the one that it called."""

    scenario: Scenario
    url: str
    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that is not as the provider has it. The people in it are invented."""

    provider: Provider
    asker: str
    scenario: str
    what: str


def media_type(headers: Mapping[str, str]) -> str:
    """The content type without its parameters; empty where there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
