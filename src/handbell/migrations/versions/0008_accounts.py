"""Provider accounts with credentials of their own, and a line's id at its provider."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ONE = "uq_provider_accounts_provider_reference"
_EACH = "uq_provider_accounts_organization_id_provider_reference"


def upgrade() -> None:
    op.add_column("provider_accounts", sa.Column("credentials", sa.LargeBinary(), nullable=True))
    op.add_column("sender_lines", sa.Column("reference", sa.Text(), nullable=True))
    op.drop_constraint(op.f(_ONE), "provider_accounts", type_="unique")
    op.create_unique_constraint(
        op.f(_EACH), "provider_accounts", ["organization_id", "provider", "reference"]
    )
    op.create_index(
        "ix_provider_accounts_reference", "provider_accounts", ["provider", "reference"]
    )


def downgrade() -> None:
    op.drop_index("ix_provider_accounts_reference", "provider_accounts")
    op.drop_constraint(op.f(_EACH), "provider_accounts", type_="unique")
    op.create_unique_constraint(op.f(_ONE), "provider_accounts", ["provider", "reference"])
    op.drop_column("sender_lines", "reference")
    op.drop_column("provider_accounts", "credentials")
