"""Drafts a migration from the tables in code: `python -m tools.new_revision NAME`.

It migrates a database of its own, compares it with the tables, and writes what differs as the
next revision. Row-level security, rights and data are for a person to add (see 0002).
"""

import asyncio
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from handbell.entrypoints import embedded
from handbell.migrations.metadata import metadata
from handbell.migrations.service import migrate
from handbell.platform.db import async_url

VERSIONS: Final = Path("src/handbell/migrations/versions")
NAME: Final = re.compile(r"[a-z][a-z0-9_]{2,40}")
DRAFT: Final = '''"""{title}."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
{upgrade}


def downgrade() -> None:
{downgrade}
'''


async def differences(url: str) -> tuple[str, str]:
    """The code that brings a migrated database to the tables, and back."""
    await migrate(url, encryption_key="a draft needs no real key")
    engine = create_async_engine(async_url(url))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_differences)
    finally:
        await engine.dispose()


def _differences(connection: Connection) -> tuple[str, str]:
    found = produce_migrations(MigrationContext.configure(connection), metadata())
    if found.upgrade_ops is None or found.downgrade_ops is None:
        return "    pass", "    pass"
    return render_python_code(found.upgrade_ops), render_python_code(found.downgrade_ops)


def main(name: str) -> int:
    if NAME.fullmatch(name) is None:
        print("Say what changes in lower case, such as NAME=staff_notes.")
        return 1
    home = Path(tempfile.mkdtemp(prefix="handbell-revision-"))
    server = embedded.start_postgres(home, durable=False)
    try:
        upgrade, downgrade = asyncio.run(differences(server.database_url))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    before = max(path.name[:4] for path in VERSIONS.glob("[0-9]*.py"))
    revision = f"{int(before) + 1:04}"
    draft = VERSIONS / f"{revision}_{name}.py"
    title = name.replace("_", " ").capitalize()
    draft.write_text(
        DRAFT.format(
            title=title,
            revision=revision,
            before=before,
            upgrade=upgrade.replace("Text()", "sa.Text()").replace("sa.sa.", "sa."),
            downgrade=downgrade,
        )
    )
    print(f"{draft}: read it, add row-level security and rights, then `make test`.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
