"""Callbacks of a relay, callbacks that wait for their attempt, and those that were given up."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "webhook_deliveries"
PROVIDER = "ck_webhook_deliveries_provider"


def upgrade() -> None:
    op.drop_constraint(op.f(PROVIDER), TABLE)
    op.create_check_constraint(
        op.f(PROVIDER), TABLE, "provider IN ('relay', 'sendgrid', 'twilio', 'whatsapp')"
    )
    op.add_column(
        TABLE, sa.Column("parked", sa.SmallInteger(), server_default="0", nullable=False)
    )
    op.create_index(
        "ix_webhook_deliveries_dead",
        TABLE,
        ["organization_id", "received_at"],
        unique=False,
        postgresql_where=sa.text("problem IS NOT NULL AND applied_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_leased",
        "outbox",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("leased_until IS NOT NULL"),
    )


def downgrade() -> None:
    """The older table cannot say that a relay called: those callbacks go."""
    op.drop_index("ix_outbox_leased", table_name="outbox")
    op.drop_index("ix_webhook_deliveries_dead", table_name=TABLE)
    op.drop_column(TABLE, "parked")
    op.drop_constraint(op.f(PROVIDER), TABLE)
    op.execute("DELETE FROM webhook_deliveries WHERE provider = 'relay'")
    op.create_check_constraint(
        op.f(PROVIDER), TABLE, "provider IN ('sendgrid', 'twilio', 'whatsapp')"
    )
