"""How the database came to be: Alembic revisions, up and down."""
