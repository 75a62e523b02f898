"""Sending: accounts and lines, templates and versions, messages, attempts, events, receipts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "provider_accounts",
    "sender_lines",
    "templates",
    "template_versions",
    "receipt_parts",
    "messages",
    "message_attempts",
    "message_events",
)
SHARED = ("templates", "template_versions")
"""Rows without an organisation are of the packaged library and readable by all."""

INSERT_ONLY = ("template_versions", "receipt_parts", "message_events")
CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"


def upgrade() -> None:
    create_tables()
    protect_rows()
    grant_rights()


def downgrade() -> None:
    op.drop_column("outbox", "leased_until")
    for table in reversed(TENANT_TABLES):
        op.drop_table(table)


def protect_rows() -> None:
    """Row-level security, as in the architecture: unset means no rows at all."""
    for table in TENANT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} USING (organization_id = {CURRENT})"
            f" WITH CHECK (organization_id = {CURRENT})"
        )
    for table in SHARED:
        op.execute(f"CREATE POLICY library ON {table} FOR SELECT USING (organization_id IS NULL)")


def grant_rights() -> None:
    """The application and the engine work on rows; what is published or said only grows.

    Purging and erasing are the owner's, who stands above rights.
    """
    for table in TENANT_TABLES:
        rights = "SELECT, INSERT" if table in INSERT_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        for role in ("handbell_app", "handbell_engine"):
            op.execute(f"GRANT {rights} ON {table} TO {role}")


def create_tables() -> None:
    op.create_table(
        "provider_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("baa", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "baa IN ('signed', 'not_required', 'none')", name=op.f("ck_provider_accounts_baa")
        ),
        sa.CheckConstraint(
            "provider IN ('sendgrid', 'twilio', 'whatsapp')",
            name=op.f("ck_provider_accounts_provider"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_provider_accounts_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_accounts")),
        sa.UniqueConstraint(
            "provider", "reference", name=op.f("uq_provider_accounts_provider_reference")
        ),
    )
    op.create_index(
        op.f("ix_provider_accounts_organization_id"),
        "provider_accounts",
        ["organization_id"],
        unique=False,
    )
    op.create_table(
        "receipt_parts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('eligibility', 'window')", name=op.f("ck_receipt_parts_kind")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_receipt_parts_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_parts")),
        sa.UniqueConstraint(
            "organization_id",
            "kind",
            "digest",
            name=op.f("uq_receipt_parts_organization_id_kind_digest"),
        ),
    )
    op.create_table(
        "templates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'whatsapp')", name=op.f("ck_templates_channel")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_templates_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
    )
    op.create_index(
        "uq_templates_place",
        "templates",
        ["organization_id", "purpose", "channel", "language"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "sender_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'whatsapp')", name=op.f("ck_sender_lines_channel")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["provider_accounts.id"], name=op.f("fk_sender_lines_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_sender_lines_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender_lines")),
        sa.UniqueConstraint("channel", "address", name=op.f("uq_sender_lines_channel_address")),
    )
    op.create_index(
        op.f("ix_sender_lines_account_id"), "sender_lines", ["account_id"], unique=False
    )
    op.create_index(
        op.f("ix_sender_lines_organization_id"), "sender_lines", ["organization_id"], unique=False
    )
    op.create_table(
        "template_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("template_id", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("sibling_level", sa.SmallInteger(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_template_versions_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name=op.f("fk_template_versions_template_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_versions")),
        sa.UniqueConstraint("template_id", "no", name=op.f("uq_template_versions_template_id_no")),
    )
    op.create_index(
        op.f("ix_template_versions_organization_id"),
        "template_versions",
        ["organization_id"],
        unique=False,
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=True),
        sa.Column("address_id", sa.BigInteger(), nullable=True),
        sa.Column("is_address_named", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("message_class", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("template_version_id", sa.BigInteger(), nullable=True),
        sa.Column("variables", sa.LargeBinary(), nullable=True),
        sa.Column("appointment_id", sa.BigInteger(), nullable=True),
        sa.Column("appointment_version", sa.Integer(), nullable=True),
        sa.Column("reminder_offset", sa.Integer(), nullable=True),
        sa.Column("serves_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answers_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("anchor", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lifecycle", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("eligibility_part_id", sa.BigInteger(), nullable=True),
        sa.Column("window_part_id", sa.BigInteger(), nullable=True),
        sa.Column("consent_entry_no", sa.Integer(), nullable=True),
        sa.Column("preference_levels", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("counted_sends", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("complained_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'whatsapp')", name=op.f("ck_messages_channel")
        ),
        sa.CheckConstraint(
            "lifecycle IN ('scheduled', 'queued', 'sending', 'accepted', 'refused',"
            " 'cancelled', 'expired', 'failed', 'unknown')",
            name=op.f("ck_messages_lifecycle"),
        ),
        sa.ForeignKeyConstraint(
            ["address_id"], ["addresses.id"], name=op.f("fk_messages_address_id")
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_messages_appointment_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["contact_point_id"], ["contact_points.id"], name=op.f("fk_messages_contact_point_id")
        ),
        sa.ForeignKeyConstraint(
            ["eligibility_part_id"],
            ["receipt_parts.id"],
            name=op.f("fk_messages_eligibility_part_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_messages_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_messages_patient_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["template_version_id"],
            ["template_versions.id"],
            name=op.f("fk_messages_template_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["window_part_id"], ["receipt_parts.id"], name=op.f("fk_messages_window_part_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "organization_id", "order_key", name=op.f("uq_messages_organization_id_order_key")
        ),
    )
    op.create_index(
        "ix_messages_address_id_sent_at", "messages", ["address_id", "sent_at"], unique=False
    )
    op.create_index("ix_messages_appointment_id", "messages", ["appointment_id"], unique=False)
    op.create_index(
        "ix_messages_due",
        "messages",
        ["lane", "organization_id", "scheduled_at"],
        unique=False,
        postgresql_where=sa.text("lifecycle = 'scheduled'"),
    )
    op.create_index(
        "ix_messages_leased",
        "messages",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("lifecycle IN ('queued', 'sending')"),
    )
    op.create_index(
        "ix_messages_patient_id_sent_at", "messages", ["patient_id", "sent_at"], unique=False
    )
    op.create_index(
        "ix_messages_pending_address_id",
        "messages",
        ["address_id"],
        unique=False,
        postgresql_where=sa.text("lifecycle IN ('scheduled', 'queued', 'sending')"),
    )
    op.create_table(
        "message_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("used_sibling", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("eligibility_part_id", sa.BigInteger(), nullable=False),
        sa.Column("window_part_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'refused', 'retry', 'unknown')",
            name=op.f("ck_message_attempts_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["address_id"], ["addresses.id"], name=op.f("fk_message_attempts_address_id")
        ),
        sa.ForeignKeyConstraint(
            ["eligibility_part_id"],
            ["receipt_parts.id"],
            name=op.f("fk_message_attempts_eligibility_part_id"),
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_message_attempts_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_message_attempts_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["window_part_id"],
            ["receipt_parts.id"],
            name=op.f("fk_message_attempts_window_part_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_attempts")),
        sa.UniqueConstraint("message_id", "no", name=op.f("uq_message_attempts_message_id_no")),
        sa.UniqueConstraint("token", name=op.f("uq_message_attempts_token")),
    )
    op.create_index(
        "ix_message_attempts_in_flight",
        "message_attempts",
        ["address_id"],
        unique=False,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_index(
        op.f("ix_message_attempts_organization_id"),
        "message_attempts",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        "ix_message_attempts_provider_ref", "message_attempts", ["provider_ref"], unique=False
    )
    op.create_index("ix_message_attempts_xid", "message_attempts", ["xid"], unique=False)
    op.create_table(
        "message_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["message_attempts.id"],
            name=op.f("fk_message_events_attempt_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_message_events_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_events")),
        sa.UniqueConstraint(
            "organization_id",
            "provider",
            "key",
            name=op.f("uq_message_events_organization_id_provider_key"),
        ),
    )
    op.create_index("ix_message_events_attempt_id", "message_events", ["attempt_id"], unique=False)
    op.add_column("outbox", sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))
