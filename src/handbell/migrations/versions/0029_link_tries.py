"""A link may cancel a visit; wrong answers to who is reading are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0025"
branch_labels = None
depends_on = None

BEFORE = "'confirm', 'reschedule', 'portal', 'unsubscribe'"


def upgrade() -> None:
    _allow(f"{BEFORE}, 'cancel'")
    op.add_column(
        "action_links",
        sa.Column("wrong_tries", sa.Integer(), server_default="0", nullable=False),
    )
    op.add_column("action_links", sa.Column("wrong_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("action_links", "wrong_at")
    op.drop_column("action_links", "wrong_tries")
    op.execute("DELETE FROM action_links WHERE kind = 'cancel'")
    _allow(BEFORE)


def _allow(kinds: str) -> None:
    name = op.f("ck_action_links_kind")
    op.drop_constraint(name, "action_links", type_="check")
    op.create_check_constraint(name, "action_links", f"kind IN ({kinds})")
