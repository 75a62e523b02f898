"""All tables of the product in one metadata, for Alembic and for the drift test."""

from importlib import import_module
from typing import Final

from sqlalchemy import MetaData

from handbell.platform.db import Base

DOMAINS_WITH_TABLES: Final = (
    "platform",
    "organizations",
    "audit",
    "channels",
    "access",
    "scheduling.blackouts",
    "directory",
    "preferences",
    "consent",
    "templates",
    "links",
    "messages",
    "webhooks",
    "inbound",
    "staff",
    "inbox",
    "delivery.deadletters",
    "integrations.fhir",
    "privacy",
)


def metadata() -> MetaData:
    """Import every domain's tables and give what they registered."""
    for domain in DOMAINS_WITH_TABLES:
        import_module(f"handbell.{domain}.tables")
    return Base.metadata
