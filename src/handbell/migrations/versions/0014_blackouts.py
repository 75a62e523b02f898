"""Blackouts: when nothing of a kind leaves, in one organisation or in all."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"


def upgrade() -> None:
    create_table()
    op.execute("ALTER TABLE blackouts ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_rows ON blackouts USING (organization_id = {CURRENT})"
        f" WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute("CREATE POLICY everywhere ON blackouts FOR SELECT USING (organization_id IS NULL)")
    for role in ("handbell_app", "handbell_engine"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON blackouts TO {role}")


def downgrade() -> None:
    op.drop_table("blackouts")


def create_table() -> None:
    op.create_table(
        "blackouts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("message_class", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_blackouts_window")),
        sa.CheckConstraint(
            "state IS NULL OR country IS NULL OR country = 'US'", name=op.f("ck_blackouts_state")
        ),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'whatsapp')", name=op.f("ck_blackouts_channel")
        ),
        sa.CheckConstraint(
            "message_class IN ('care', 'billing_admin', 'research', 'marketing')",
            name=op.f("ck_blackouts_message_class"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_blackouts_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blackouts")),
    )
    op.create_index(
        "ix_blackouts_organization_id_ends_at", "blackouts", ["organization_id", "ends_at"]
    )
