"""Adds the share of frames that the sender's clock dated; it is NULL in rows that were written before."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    op.add_column("release", sa.Column("sender_clock", sa.Float(53)))
    op.add_column("rollup", sa.Column("sender", sa.BigInteger))
    # Cached responses do not have the new field.
    op.execute("UPDATE store SET revision = revision + 1")
