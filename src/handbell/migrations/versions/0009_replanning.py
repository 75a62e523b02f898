"""Waiting messages remember what their order left open, to be planned anew."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NAMED = (("is_channel_named", "true"), ("is_template_named", "false"))


def upgrade() -> None:
    for name, default in NAMED:
        op.add_column(
            "messages", sa.Column(name, sa.Boolean(), server_default=default, nullable=False)
        )


def downgrade() -> None:
    for name, _ in NAMED:
        op.drop_column("messages", name)
