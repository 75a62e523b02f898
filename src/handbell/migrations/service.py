"""Brings a database to the newest shape, as the owner: roles, revisions, packaged texts."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from handbell.platform.clock import SystemClock
from handbell.platform.crypto import database_password
from handbell.platform.db import APP_ROLE, ENGINE_ROLE, async_url
from handbell.templates.service import publish_library


async def migrate(owner_url: str, *, encryption_key: str, revision: str = "head") -> str:
    """Upgrade to `revision` and say which one the database is at now. Safe to repeat."""
    engine = create_async_engine(async_url(owner_url))
    try:
        async with engine.begin() as tx:
            await tx.run_sync(_ensure_roles, encryption_key)
        async with engine.connect() as connection:
            await connection.run_sync(_alembic, "upgrade", revision)
        if revision == "head":
            async with engine.begin() as tx:
                await publish_library(tx, now=await SystemClock().now())
        async with engine.connect() as connection:
            return await connection.run_sync(_current)
    finally:
        await engine.dispose()


async def downgrade(owner_url: str, *, revision: str) -> None:
    """Go back to `revision` (`base` removes every table)."""
    engine = create_async_engine(async_url(owner_url))
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_alembic, "downgrade", revision)
    finally:
        await engine.dispose()


def _ensure_roles(connection: Connection, encryption_key: str) -> None:
    """Create the two working roles where they are missing, and set their passwords."""
    existing = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    for role, bypass in ((APP_ROLE, "NOBYPASSRLS"), (ENGINE_ROLE, "BYPASSRLS")):
        verb = "ALTER" if role in existing else "CREATE"
        password = database_password(encryption_key, role)
        connection.execute(text(f"{verb} ROLE {role} LOGIN {bypass} PASSWORD '{password}'"))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def _alembic(connection: Connection, direction: str, revision: str) -> None:
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    getattr(command, direction)(_config(connection), revision)
    connection.commit()


def _current(connection: Connection) -> str:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision() or "base"
