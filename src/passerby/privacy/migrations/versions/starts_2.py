"""The slots of one start are found at once: a day of a site has thousands."""

from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    op.drop_index("entry_covers", "entry")
    op.create_index("entry_covers", "entry", ["camera", "kind", "covers_end_ms", "start_ms"])
