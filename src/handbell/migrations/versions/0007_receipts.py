"""Receipts that can be decided again: the facts that are the patient's own, and the answer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("messages", "counted_sends")
    op.add_column("messages", sa.Column("own_facts", postgresql.JSONB(), nullable=True))
    op.add_column("messages", sa.Column("answer", postgresql.JSONB(), nullable=True))
    op.add_column("message_attempts", sa.Column("own_facts", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("message_attempts", "own_facts")
    op.drop_column("messages", "answer")
    op.drop_column("messages", "own_facts")
    op.add_column(
        "messages",
        sa.Column("counted_sends", sa.SmallInteger(), server_default="0", nullable=False),
    )
