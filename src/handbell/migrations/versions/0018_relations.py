"""Guardians and caregivers, people who are no patients, and confidential visits."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"
FALSE = sa.text("false")


def upgrade() -> None:
    op.add_column(
        "patients", sa.Column("is_contact", sa.Boolean(), server_default=FALSE, nullable=False)
    )
    op.add_column(
        "appointments",
        sa.Column("confidential", sa.Boolean(), server_default=FALSE, nullable=False),
    )
    create_relations()
    op.execute("ALTER TABLE patient_relations ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_rows ON patient_relations USING (organization_id = {CURRENT})"
        f" WITH CHECK (organization_id = {CURRENT})"
    )
    for role in ("handbell_app", "handbell_engine"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON patient_relations TO {role}")


def downgrade() -> None:
    op.drop_table("patient_relations")
    op.drop_column("appointments", "confidential")
    op.drop_column("patients", "is_contact")


def create_relations() -> None:
    op.create_table(
        "patient_relations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("related_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("adult_on", sa.Date(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("permitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("permission_text", sa.Text(), nullable=True),
        sa.Column("permission_evidence", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('guardian', 'caregiver')", name=op.f("ck_patient_relations_kind")
        ),
        sa.CheckConstraint(
            "kind <> 'guardian' OR adult_on IS NOT NULL", name=op.f("ck_patient_relations_minor")
        ),
        sa.CheckConstraint(
            "kind <> 'caregiver' OR (permitted_at IS NOT NULL AND permission_text IS NOT NULL)",
            name=op.f("ck_patient_relations_permission"),
        ),
        sa.CheckConstraint(
            "patient_id <> related_id", name=op.f("ck_patient_relations_somebody_else")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_patient_relations_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_patient_relations_patient_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["related_id"],
            ["patients.id"],
            name=op.f("fk_patient_relations_related_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_relations")),
    )
    op.create_index(
        "uq_patient_relations_open",
        "patient_relations",
        ["patient_id", "related_id", "kind"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_patient_relations_patient_id", "patient_relations", ["patient_id"], unique=False
    )
    op.create_index(
        "ix_patient_relations_related_id", "patient_relations", ["related_id"], unique=False
    )
    op.create_index(
        "ix_patient_relations_organization_id",
        "patient_relations",
        ["organization_id"],
        unique=False,
    )
