"""How fast lines and accounts may send."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LIMITS = ("rate_per_second", "daily_cap")


def upgrade() -> None:
    op.add_column("sender_lines", sa.Column("tier", sa.Text(), nullable=True))
    for table in ("sender_lines", "provider_accounts"):
        op.add_column(table, sa.Column("rate_per_second", sa.Numeric(), nullable=True))
        op.add_column(table, sa.Column("daily_cap", sa.Integer(), nullable=True))
        for name in LIMITS:
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{name} > 0")


def downgrade() -> None:
    for table in ("sender_lines", "provider_accounts"):
        for name in LIMITS:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
            op.drop_column(table, name)
    op.drop_column("sender_lines", "tier")
