"""Falling back to another channel, and the list of what failed on every one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CURRENT = "NULLIF(current_setting('handbell.organization_id', true), '')::bigint"


def upgrade() -> None:
    op.add_column("messages", sa.Column("falls_back_from", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_messages_falls_back_from"),
        "messages",
        "messages",
        ["falls_back_from"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(
        "ix_messages_falls_back_from",
        "messages",
        ["falls_back_from"],
        unique=False,
        postgresql_where=sa.text("falls_back_from IS NOT NULL"),
    )
    create_dead_letters()
    op.execute("ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_rows ON dead_letters USING (organization_id = {CURRENT})"
        f" WITH CHECK (organization_id = {CURRENT})"
    )
    for role in ("handbell_app", "handbell_engine"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO {role}")


def downgrade() -> None:
    op.drop_table("dead_letters")
    op.drop_index("ix_messages_falls_back_from", table_name="messages")
    op.drop_column("messages", "falls_back_from")


def create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("no_other_channel", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("died_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("replay_message_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'retried', 'discarded', 'arrived')",
            name=op.f("ck_dead_letters_state"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_dead_letters_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_dead_letters_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["replay_message_id"],
            ["messages.id"],
            name=op.f("fk_dead_letters_replay_message_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
        sa.UniqueConstraint("message_id", name=op.f("uq_dead_letters_message_id")),
    )
    op.create_index(
        "ix_dead_letters_open",
        "dead_letters",
        ["organization_id", "fix"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_dead_letters_replay_message_id",
        "dead_letters",
        ["replay_message_id"],
        unique=False,
    )
