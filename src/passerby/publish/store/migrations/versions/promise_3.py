"""Adds the promise that a number was released under; it is NULL in rows that were written before."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    op.add_column("release", sa.Column("promise", sa.String(16)))
    op.add_column("rollup", sa.Column("promise", sa.String(16)))
    # Cached responses do not have the new field.
    op.execute("UPDATE store SET revision = revision + 1")
