"""How attempts with an unknown outcome are settled; those that stand are looked into."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KNOWN = (
    "settlement IN ('callback', 'provider_list', 'not_found', 'closed', 'person_sent',"
    " 'person_not_sent')"
)
SETTLE_KNOWN = """
UPDATE message_attempts SET settlement = 'callback', settled_at = finished_at,
    settled_by = 'provider'
WHERE outcome = 'unknown'
  AND EXISTS (SELECT 1 FROM message_events e WHERE e.attempt_id = message_attempts.id)
"""
LOOK_INTO_THE_REST = """
INSERT INTO outbox (organization_id, topic, args, created_at, not_before)
SELECT organization_id, 'delivery.settle', jsonb_build_object('attempt_id', id), finished_at,
    finished_at
FROM message_attempts
WHERE outcome = 'unknown' AND settled_at IS NULL AND finished_at IS NOT NULL
"""


def upgrade() -> None:
    table = "message_attempts"
    op.add_column(table, sa.Column("looks", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column(table, sa.Column("line_id", sa.BigInteger(), nullable=True))
    op.add_column(table, sa.Column("settlement", sa.Text(), nullable=True))
    op.add_column(table, sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(table, sa.Column("settled_by", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_message_attempts_settlement"), table, KNOWN)
    op.create_index(
        "ix_message_attempts_unknown",
        table,
        ["address_id"],
        unique=False,
        postgresql_where=sa.text("outcome = 'unknown' AND settled_at IS NULL"),
    )
    op.create_index(
        "ix_message_attempts_unknown_of",
        table,
        ["organization_id", "settlement"],
        unique=False,
        postgresql_where=sa.text("outcome = 'unknown'"),
    )
    op.execute(SETTLE_KNOWN)
    op.execute(LOOK_INTO_THE_REST)


def downgrade() -> None:
    table = "message_attempts"
    op.execute("DELETE FROM outbox WHERE topic = 'delivery.settle'")
    op.drop_index("ix_message_attempts_unknown_of", table_name=table)
    op.drop_index("ix_message_attempts_unknown", table_name=table)
    op.drop_constraint(op.f("ck_message_attempts_settlement"), table)
    for name in ("settled_by", "settled_at", "settlement", "line_id", "looks"):
        op.drop_column(table, name)
