"""Who asks, in which role, and what the role may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from handbell.platform.db import OrganizationId

FIRST_ORGANIZATION: Final = OrganizationId(1)
"""Whose the tokens and the environment's provider credentials are."""


class Role(StrEnum):
    """What a key or a person is in the organisation."""

    ADMIN = "admin"
    PROVIDER = "provider"
    STAFF = "staff"
    MARKETING = "marketing"
    INTEGRATION = "integration"
    AUDITOR = "auditor"


class Scope(StrEnum):
    """One thing that a request may need to be allowed."""

    EVENTS_WRITE = "events:write"
    PATIENTS_READ = "patients:read"
    PATIENTS_WRITE = "patients:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"
    TEMPLATES_READ = "templates:read"
    TEMPLATES_WRITE = "templates:write"
    SETTINGS_READ = "settings:read"
    PROVIDERS_WRITE = "providers:write"
    RESTRICTIONS_WRITE = "restrictions:write"
    AUDIT_READ = "audit:read"
    ADMIN = "admin"


_CARE: Final = frozenset(
    {
        Scope.PATIENTS_READ,
        Scope.PATIENTS_WRITE,
        Scope.MESSAGES_READ,
        Scope.MESSAGES_WRITE,
        Scope.TEMPLATES_READ,
        Scope.SETTINGS_READ,
    }
)
_BY_HAND: Final = frozenset({Scope.PROVIDERS_WRITE, Scope.RESTRICTIONS_WRITE})
"""What people decide, and no interface."""
SCOPES_OF_ROLE: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.ADMIN: frozenset(Scope),
    Role.PROVIDER: _CARE | _BY_HAND,
    Role.STAFF: _CARE | _BY_HAND,
    Role.MARKETING: frozenset(
        {
            Scope.TEMPLATES_READ,
            Scope.TEMPLATES_WRITE,
            Scope.MESSAGES_READ,
            Scope.SETTINGS_READ,
        }
    ),
    Role.INTEGRATION: _CARE | {Scope.EVENTS_WRITE},
    Role.AUDITOR: frozenset(
        {
            Scope.AUDIT_READ,
            Scope.MESSAGES_READ,
            Scope.TEMPLATES_READ,
            Scope.SETTINGS_READ,
        }
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated caller. `name` goes into the audit log: a key's prefix or a user's id."""

    organization_id: OrganizationId
    name: str
    role: Role
    key_id: int | None = None

    def may(self, scope: str) -> bool:
        return scope in SCOPES_OF_ROLE[self.role]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedApiKey:
    """`key` is shown this once and stored nowhere."""

    id: int
    prefix: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """Which JSON Web Tokens are accepted; an empty secret accepts none.

    Tokens without `exp` only where the deployment allows it; else `exp`, `aud` and `iss` are
    demanded.
    """

    secret: str = field(default="", repr=False)
    allow_no_exp: bool = False
    roles: Mapping[int, Role] = field(default_factory=dict)
    audience: str = "handbell"
    issuer: str = "ovhi"
    organization_id: OrganizationId = FIRST_ORGANIZATION


def parse_role_map(text: str) -> dict[int, Role]:
    """Read `6:provider,2:staff`; raises `ValueError` that names the wrong pair."""
    roles = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        number, _, role = pair.partition(":")
        try:
            roles[int(number)] = Role(role.strip())
        except ValueError:
            raise ValueError(f"{pair!r} is not a role id, a colon and a role") from None
    return roles
