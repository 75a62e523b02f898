"""What others may know of an organisation."""

from dataclasses import dataclass

from handbell.platform.db import OrganizationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A tenant; `name` is safe to show to anybody."""

    id: OrganizationId
    name: str
    phone: str | None = None
    postal_address: str | None = None
    support_email: str | None = None
