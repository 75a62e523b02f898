"""What a patient's text means besides its intent is kept, and an address can wait for a person."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "inbound_messages",
        sa.Column("effects", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("addresses", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("addresses", sa.Column("held_for", sa.Text(), nullable=True))
    op.add_column("addresses", sa.Column("told_by", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_addresses_told_by"),
        "addresses",
        ["told_by"],
        postgresql_where=sa.text("told_by IS NOT NULL"),
    )
    op.create_check_constraint(
        op.f("ck_addresses_held_for"),
        "addresses",
        "held_for IN ('possible_opt_out', 'deceased')",
    )


def downgrade() -> None:
    op.drop_column("addresses", "told_by")
    op.drop_column("addresses", "held_for")
    op.drop_column("addresses", "held_until")
    op.drop_column("inbound_messages", "effects")
