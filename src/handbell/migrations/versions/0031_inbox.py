"""Conversations, their notes, and what the watchers of the inbox are told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"
INSTANT = sa.DateTime(timezone=True)
TABLES = ("conversations", "conversation_notes", "inbox_events", "inbox_settings")


def upgrade() -> None:
    create_conversations()
    create_notes()
    create_events()
    create_settings()
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} USING (organization_id = {CURRENT})"
            f" WITH CHECK (organization_id = {CURRENT})"
        )
        for role in ("handbell_app", "handbell_engine"):
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _organization_id() -> sa.Column[int]:
    return sa.Column("organization_id", sa.BigInteger(), nullable=False)


def _of_organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id")
    )


def create_conversations() -> None:
    op.create_table(
        "conversations",
        _id(),
        _organization_id(),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("address_id", sa.BigInteger(), nullable=True),
        sa.Column("inbound_message_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("assigned_to", sa.Text(), nullable=True),
        sa.Column("last_received_at", INSTANT, nullable=True),
        sa.Column("last_sent_at", INSTANT, nullable=True),
        sa.Column("waiting_since", INSTANT, nullable=True),
        sa.Column("told_closed_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'pending', 'closed')", name=op.f("ck_conversations_state")
        ),
        sa.CheckConstraint(
            "num_nonnulls(patient_id, address_id, inbound_message_id) = 1",
            name=op.f("ck_conversations_whose"),
        ),
        _of_organization("conversations"),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_conversations_patient_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["address_id"], ["addresses.id"], name=op.f("fk_conversations_address_id")
        ),
        sa.ForeignKeyConstraint(
            ["inbound_message_id"],
            ["inbound_messages.id"],
            name=op.f("fk_conversations_inbound_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    for column in ("patient_id", "address_id", "inbound_message_id"):
        op.create_index(f"uq_conversations_{column}", "conversations", [column], unique=True)
    op.create_index(
        "ix_conversations_listed", "conversations", ["organization_id", "changed_at", "id"]
    )


def create_notes() -> None:
    op.create_table(
        "conversation_notes",
        _id(),
        _organization_id(),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        _of_organization("conversation_notes"),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_conversation_notes_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_notes")),
    )
    op.create_index(
        "ix_conversation_notes_conversation_id",
        "conversation_notes",
        ["conversation_id", "written_at"],
    )


def create_events() -> None:
    op.create_table(
        "inbox_events",
        _id(),
        _organization_id(),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        _of_organization("inbox_events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_events")),
    )
    op.create_index("ix_inbox_events_told", "inbox_events", ["organization_id", "xid", "id"])


def create_settings() -> None:
    op.create_table(
        "inbox_settings",
        _organization_id(),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("closed_on_holidays", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("answers_after_hours", sa.Boolean(), server_default="true", nullable=False),
        sa.CheckConstraint("opens < closes", name=op.f("ck_inbox_settings_hours")),
        sa.CheckConstraint(
            "weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[]",
            name=op.f("ck_inbox_settings_weekdays"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_inbox_settings_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_inbox_settings")),
    )
