"""Proof of consent: what the audit log knows of each entry, the words of each version, what a
decision holds beyond its columns, and what erasing and merging leave of a patient."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSERT_ONLY = ("consent_witnesses", "consent_wordings", "erasures")
CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"
KINDS = "kind IN ('grant', 'revoke')"
MORE_KINDS = "kind IN ('grant', 'revoke', 'acknowledge_risk', 'withdraw_risk')"


def upgrade() -> None:
    op.add_column("consent_entries", sa.Column("details", postgresql.JSONB(), nullable=True))
    _check_kinds(MORE_KINDS)
    create_witnesses()
    create_wordings()
    create_erasures()
    for table in INSERT_ONLY:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} USING (organization_id = {CURRENT})"
            f" WITH CHECK (organization_id = {CURRENT})"
        )
        for role in ("handbell_app", "handbell_engine"):
            op.execute(f"GRANT SELECT, INSERT ON {table} TO {role}")
    op.alter_column("patients", "subject_key_id", nullable=True)
    op.add_column("patients", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("patients", sa.Column("merged_into_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_patients_merged_into_id"), "patients", "patients", ["merged_into_id"], ["id"]
    )
    op.create_index(op.f("ix_patients_merged_into_id"), "patients", ["merged_into_id"])


def downgrade() -> None:
    """An erased patient has no key; the older shape cannot hold one, so the rest goes too."""
    op.drop_index(op.f("ix_patients_merged_into_id"), table_name="patients")
    op.drop_constraint(op.f("fk_patients_merged_into_id"), "patients", type_="foreignkey")
    op.drop_column("patients", "merged_into_id")
    op.execute("DELETE FROM patients WHERE subject_key_id IS NULL")
    op.drop_column("patients", "erased_at")
    op.alter_column("patients", "subject_key_id", nullable=False)
    for table in reversed(INSERT_ONLY):
        op.drop_table(table)
    op.execute("DELETE FROM consent_entries WHERE kind NOT IN ('grant', 'revoke')")
    _check_kinds(KINDS)
    op.drop_column("consent_entries", "details")


def _check_kinds(condition: str) -> None:
    op.drop_constraint(op.f("ck_consent_entries_kind"), "consent_entries", type_="check")
    op.create_check_constraint(op.f("ck_consent_entries_kind"), "consent_entries", condition)


def create_witnesses() -> None:
    op.create_table(
        "consent_witnesses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_consent_witnesses_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_witnesses")),
    )
    op.create_index("ix_consent_witnesses_address_id", "consent_witnesses", ["address_id", "no"])
    op.create_index("ix_consent_witnesses_xid", "consent_witnesses", ["xid", "id"])


def create_wordings() -> None:
    op.create_table(
        "consent_wordings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_consent_wordings_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_wordings")),
        sa.UniqueConstraint(
            "organization_id", "version", name=op.f("uq_consent_wordings_organization_id_version")
        ),
    )


def create_erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("erased_by", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reason IN ('patient_request', 'guardian_request', 'court_order',"
            " 'registered_by_mistake')",
            name=op.f("ck_erasures_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_erasures_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint(
            "organization_id",
            "patient_id",
            name=op.f("uq_erasures_organization_id_patient_id"),
        ),
    )
