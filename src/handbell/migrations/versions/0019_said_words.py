"""An empty time zone or language says nothing, and cannot be kept."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

WORDS = ("timezone", "language")


def upgrade() -> None:
    for word in WORDS:
        op.execute(f"UPDATE preference_settings SET {word} = NULL WHERE {word} = ''")  # noqa: S608
        op.create_check_constraint(
            op.f(f"ck_preference_settings_{word}"), "preference_settings", f"{word} <> ''"
        )


def downgrade() -> None:
    for word in WORDS:
        op.drop_constraint(
            op.f(f"ck_preference_settings_{word}"), "preference_settings", type_="check"
        )
