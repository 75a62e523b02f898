"""Waiting messages remember what their order left open, to be planned anew; of those that are
due at one instant the soonest visit leaves first."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NAMED = (("is_channel_named", "true"), ("is_template_named", "false"))


def upgrade() -> None:
    for name, default in NAMED:
        op.add_column(
            "messages", sa.Column(name, sa.Boolean(), server_default=default, nullable=False)
        )
    index_due("lane", "organization_id", "scheduled_at", "serves_at")


def downgrade() -> None:
    index_due("lane", "organization_id", "scheduled_at")
    for name, _ in NAMED:
        op.drop_column("messages", name)


def index_due(*columns: str) -> None:
    """Make the index by which the dispatcher finds what is due anew."""
    op.drop_index("ix_messages_due", table_name="messages")
    op.create_index(
        "ix_messages_due",
        "messages",
        list(columns),
        unique=False,
        postgresql_where=sa.text("lifecycle = 'scheduled'"),
    )
