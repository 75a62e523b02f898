"""Free slots of clinicians, from which patients choose another time."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"


def upgrade() -> None:
    create_table()
    op.execute("ALTER TABLE free_slots ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_rows ON free_slots USING (organization_id = {CURRENT})"
        f" WITH CHECK (organization_id = {CURRENT})"
    )
    for role in ("handbell_app", "handbell_engine"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON free_slots TO {role}")


def downgrade() -> None:
    op.drop_table("free_slots")
    op.execute("DELETE FROM external_ids WHERE kind = 'slots'")


def create_table() -> None:
    op.create_table(
        "free_slots",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("wanted_for_id", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_free_slots_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_free_slots_provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_free_slots_location_id")
        ),
        sa.ForeignKeyConstraint(
            ["wanted_for_id"],
            ["appointments.id"],
            name=op.f("fk_free_slots_wanted_for_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_free_slots")),
        sa.UniqueConstraint(
            "provider_id", "starts_at", name=op.f("uq_free_slots_provider_id_starts_at")
        ),
    )
    for column in ("organization_id", "wanted_for_id"):
        op.create_index(op.f(f"ix_free_slots_{column}"), "free_slots", [column])
