"""Choices per purpose, reading level, what each change of preferences replaced, signatures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"


def upgrade() -> None:
    op.add_column("providers", sa.Column("signature", sa.Text(), nullable=True))
    op.add_column("preference_settings", sa.Column("reading_level", sa.Integer(), nullable=True))
    op.add_column("preference_settings", sa.Column("choices", postgresql.JSONB(), nullable=True))
    op.create_check_constraint(
        op.f("ck_preference_settings_reading_level"),
        "preference_settings",
        "reading_level BETWEEN 1 AND 18",
    )
    create_changes()


def downgrade() -> None:
    op.drop_table("preference_changes")
    op.drop_column("preference_settings", "choices")
    op.drop_column("preference_settings", "reading_level")
    op.drop_column("providers", "signature")


def create_changes() -> None:
    op.create_table(
        "preference_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("level_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("old", postgresql.JSONB(), nullable=False),
        sa.Column("new", postgresql.JSONB(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "level IN ('global', 'organization', 'provider', 'patient')",
            name=op.f("ck_preference_changes_level"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_preference_changes_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preference_changes")),
    )
    op.create_index(
        "ix_preference_changes_level",
        "preference_changes",
        ["organization_id", "level", "level_id", "id"],
        unique=False,
    )
    op.execute("ALTER TABLE preference_changes ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_rows ON preference_changes USING (organization_id = {CURRENT})"
        f" WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute(
        "CREATE POLICY global_defaults ON preference_changes FOR SELECT"
        " USING (organization_id IS NULL)"
    )
    for role in ("handbell_app", "handbell_engine"):
        op.execute(f"GRANT SELECT, INSERT, DELETE ON preference_changes TO {role}")
