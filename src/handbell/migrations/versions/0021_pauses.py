"""Pauses of delivery that people make."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "pauses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("line_id", sa.BigInteger(), nullable=True),
        sa.Column("new_orders", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "lane IN ('urgent', 'replies', 'care', 'billing', 'marketing')",
            name=op.f("ck_pauses_lane"),
        ),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'whatsapp')", name=op.f("ck_pauses_channel")
        ),
        sa.CheckConstraint("new_orders IN ('hold', 'refuse')", name=op.f("ck_pauses_new_orders")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_pauses_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["line_id"],
            ["sender_lines.id"],
            name=op.f("fk_pauses_line_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
    )
    op.create_index(
        "ix_pauses_in_force",
        "pauses",
        ["organization_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("ix_pauses_line_id"), "pauses", ["line_id"], unique=False)
    op.execute("ALTER TABLE pauses ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_rows ON pauses USING (organization_id = {CURRENT})"
        f" WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute("CREATE POLICY of_all ON pauses FOR SELECT USING (organization_id IS NULL)")
    for role in ("handbell_app", "handbell_engine"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON pauses TO {role}")


def downgrade() -> None:
    op.drop_table("pauses")
