"""The further visits of a message that tells of several of one day."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "message_appointments",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("appointment_version", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_message_appointments_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_message_appointments_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_message_appointments_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "message_id", "appointment_id", name=op.f("pk_message_appointments")
        ),
    )
    op.create_index(
        "ix_message_appointments_appointment_id",
        "message_appointments",
        ["appointment_id"],
        unique=False,
    )
    op.execute("ALTER TABLE message_appointments ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_rows ON message_appointments USING (organization_id = {CURRENT})"
        f" WITH CHECK (organization_id = {CURRENT})"
    )
    for role in ("handbell_app", "handbell_engine"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON message_appointments TO {role}")


def downgrade() -> None:
    op.drop_table("message_appointments")
