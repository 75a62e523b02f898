"""What becomes of a clinician's reminders at a closed hour."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "providers",
        sa.Column("when_closed", sa.Text(), server_default="shift", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_providers_when_closed"),
        "providers",
        "when_closed IN ('shift', 'skip', 'send_anyway')",
    )


def downgrade() -> None:
    op.drop_column("providers", "when_closed")
