"""Alembic's entry: runs on the connection that `handbell.migrations.service` hands over."""

from alembic import context
from sqlalchemy import Connection

from handbell.migrations.metadata import metadata


def run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadata(), transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
