"""What patients' texts can mean is told apart more finely, and how surely it was read is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BEFORE = "'confirm', 'reschedule', 'stop', 'start', 'help', 'other'"
NEW = "'cancel_visit', 'hold', 'wrong_number', 'deceased', 'crisis', 'tapback', 'nothing'"


def upgrade() -> None:
    _allow(f"{BEFORE}, {NEW}")
    op.add_column("inbound_messages", sa.Column("confidence", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_inbound_messages_confidence"),
        "inbound_messages",
        "confidence IN ('high', 'medium', 'low')",
    )


def downgrade() -> None:
    op.drop_column("inbound_messages", "confidence")
    op.execute(f"UPDATE inbound_messages SET intent = 'other' WHERE intent IN ({NEW})")  # noqa: S608
    _allow(BEFORE)


def _allow(intents: str) -> None:
    name = op.f("ck_inbound_messages_intent")
    op.drop_constraint(name, "inbound_messages", type_="check")
    op.create_check_constraint(name, "inbound_messages", f"intent IN ({intents})")
