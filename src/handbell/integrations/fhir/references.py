"""From a reference to the resource that it names."""

import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final
from urllib.parse import unquote

from handbell.integrations.fhir.reading import to_target
from handbell.integrations.fhir.resources import Identifier, Reference
from handbell.integrations.fhir.types import Found, Target

CONDITIONAL: Final = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)\?identifier=([^&]+)")


class IdentifierIndex:
    """The identifiers of one import's resources, kept as digests, and only where a reference
    of that import goes by identifier: most do not, and memory stays flat."""

    def __init__(self) -> None:
        self.is_needed = False
        self._ids: dict[bytes, str] = {}

    def add(self, name: str, identifiers: Iterable[Identifier], external_id: str) -> None:
        for one in identifiers if self.is_needed else ():
            self._ids[_key(name, f"{one.system or ''}|{one.value or ''}")] = external_id

    def find(self, name: str, token: str) -> Target | None:
        """The resource of the type that has the identifier, `system|value`."""
        external_id = self._ids.get(_key(name, token))
        return Target(type=name, id=external_id) if external_id else None

    def learn_need(self, found: Found) -> None:
        """Look whether the resource refers to others by identifier."""
        self.is_needed = self.is_needed or any(_by_identifier(one) for one in _spoken_of(found))


def _key(name: str, token: str) -> bytes:
    return blake2b(f"{name}\x1f{token}".encode(), digest_size=16).digest()


def _spoken_of(found: Found) -> Iterable[object]:
    """The raw references of a resource that we follow."""
    body = found.body
    if found.type == "Condition":
        return [body.get("subject")]
    if found.type == "Patient":
        named = body.get("generalPractitioner")
        return named if isinstance(named, list) else []
    if found.type == "Appointment":
        cast = body.get("participant")
        people = cast if isinstance(cast, list) else []
        actors = [one.get("actor") for one in people if isinstance(one, dict)]
        return [*actors, body.get("subject")]
    return []


def _by_identifier(reference: object) -> bool:
    if not isinstance(reference, dict):
        return False
    address = reference.get("reference")
    if isinstance(address, str):
        return "?identifier=" in address
    return bool(reference.get("identifier"))


def resolve(
    reference: Reference | None,
    expected: str | None,
    *,
    links: Mapping[str, Target],
    identifiers: IdentifierIndex,
) -> Target | None:
    """What is referred to; `expected` is the type where only an identifier is given."""
    if reference is None:
        return None
    address = reference.reference
    if address is None:
        return _by_logic(reference, expected, identifiers)
    if address in links:
        return links[address]
    if conditional := CONDITIONAL.search(address):
        return identifiers.find(conditional[1], unquote(conditional[2]))
    target = to_target(address)
    if target and target.type is None and reference.type:
        return Target(type=reference.type, id=target.id)
    return target


def _by_logic(
    reference: Reference, expected: str | None, identifiers: IdentifierIndex
) -> Target | None:
    named, known = reference.type or expected, reference.identifier
    if named is None or known is None:
        return None
    return identifiers.find(named, f"{known.system or ''}|{known.value or ''}")
