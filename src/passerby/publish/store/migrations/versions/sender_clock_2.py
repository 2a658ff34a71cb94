"""Whose clock dated the frames; not known of what was written before."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    op.add_column("release", sa.Column("sender_clock", sa.Float(53)))
    op.add_column("rollup", sa.Column("sender", sa.BigInteger))
    # Answers that were cached lack it.
    op.execute("UPDATE store SET revision = revision + 1")
