"""Templates are written: drafts, names, overrides; Meta's approvals; an organisation's prices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TENANT_TABLES = ("whatsapp_approvals", "message_prices")
CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"
PLACE = ["organization_id", "purpose", "channel", "language"]
WIDER_PLACE = ["organization_id", "provider_id", "purpose", "channel", "language"]


def upgrade() -> None:
    widen_templates()
    create_approvals()
    create_prices()
    for table in TENANT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} USING (organization_id = {CURRENT})"
            f" WITH CHECK (organization_id = {CURRENT})"
        )
        for role in ("handbell_app", "handbell_engine"):
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")


def downgrade() -> None:
    """What the older shape has no place for is given up: drafts go, further texts and overrides
    keep their versions, for messages point at them, under a purpose that nothing asks for."""
    for table in TENANT_TABLES:
        op.drop_table(table)
    op.execute("DELETE FROM templates WHERE id NOT IN (SELECT template_id FROM template_versions)")
    op.execute(
        "UPDATE templates SET purpose = purpose || ':' || id WHERE archived_at IS NOT NULL"
        " OR NOT is_default OR provider_id IS NOT NULL"
    )
    op.drop_index("uq_templates_place", table_name="templates")
    op.drop_index("ix_templates_organization_id", table_name="templates")
    op.create_index(
        "uq_templates_place", "templates", PLACE, unique=True, postgresql_nulls_not_distinct=True
    )
    for column in (
        *("provider_id", "name", "is_default", "draft", "drafted_at", "drafted_by"),
        *("archived_at", "changes"),
    ):
        op.drop_column("templates", column)
    op.drop_column("template_versions", "published_by")


def widen_templates() -> None:
    for column in (
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("is_default", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("drafted_by", sa.Text(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("templates", column)
    op.execute("UPDATE templates SET name = purpose || ', ' || channel || ', ' || language")
    op.create_foreign_key(
        op.f("fk_templates_provider_id"), "templates", "providers", ["provider_id"], ["id"]
    )
    op.drop_index("uq_templates_place", table_name="templates")
    op.create_index(
        "uq_templates_place",
        "templates",
        WIDER_PLACE,
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("is_default AND archived_at IS NULL"),
    )
    op.create_index("ix_templates_organization_id", "templates", ["organization_id"])
    op.add_column(
        "template_versions",
        sa.Column("published_by", sa.Text(), nullable=False, server_default="handbell"),
    )


def create_approvals() -> None:
    op.create_table(
        "whatsapp_approvals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'approved', 'rejected', 'paused')",
            name=op.f("ck_whatsapp_approvals_state"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_whatsapp_approvals_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whatsapp_approvals")),
        sa.UniqueConstraint(
            "organization_id", "name", "language", name="uq_whatsapp_approvals_name"
        ),
    )


def create_prices() -> None:
    op.create_table(
        "message_prices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("unit_price", sa.Numeric(12, 6), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_message_prices_unit_price")),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'whatsapp')", name=op.f("ck_message_prices_channel")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_message_prices_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_prices")),
        sa.UniqueConstraint(
            "organization_id",
            "channel",
            "category",
            "effective_on",
            name="uq_message_prices_effective_on",
        ),
    )
