"""Creates the tables of releases, roll-ups, API keys and the health of cameras."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def upgrade() -> None:
    _create_releases()
    _create_rollups()
    _create_keys_and_health()


def _create_releases() -> None:
    op.create_table(
        "store",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("timezone", sa.Text),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("keep_bin_ms", sa.BigInteger),
        sa.Column("keep_hour_ms", sa.BigInteger),
        sa.Column("keep_day_ms", sa.BigInteger),
        sa.Column("pruned_bin_ms", sa.BigInteger, nullable=False),
        sa.Column("pruned_day_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "cell",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("camera", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.UniqueConstraint("camera", "line", "direction", "label"),
    )
    op.create_table(
        "release",
        sa.Column("cell_id", sa.Integer, sa.ForeignKey("cell.id"), nullable=False),
        sa.Column("level", sa.String(4), nullable=False),
        sa.Column("start_ms", sa.BigInteger, nullable=False),
        sa.Column("end_ms", sa.BigInteger, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("noise_scale", sa.Float(53), nullable=False),
        sa.Column("epsilon", sa.Float(53), nullable=False),
        sa.Column("coverage", sa.Float(53), nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("cell_id", "level", "start_ms"),
        sqlite_with_rowid=False,
    )
    op.create_index("release_by_time", "release", ["level", "start_ms", "cell_id"])


def _create_rollups() -> None:
    op.create_table(
        "rollup",
        sa.Column("cell_id", sa.Integer, sa.ForeignKey("cell.id"), nullable=False),
        sa.Column("resolution", sa.String(4), nullable=False),
        sa.Column("start_ms", sa.BigInteger, nullable=False),
        sa.Column("end_ms", sa.BigInteger, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("variance", sa.Float(53), nullable=False),
        sa.Column("epsilon", sa.Float(53), nullable=False),
        sa.Column("covered", sa.BigInteger, nullable=False),
        sa.Column("summed_ms", sa.BigInteger, nullable=False),
        sa.Column("releases", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("cell_id", "resolution", "start_ms"),
        sqlite_with_rowid=False,
    )
    op.create_index("rollup_by_time", "rollup", ["resolution", "start_ms", "cell_id"])


def _create_keys_and_health() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(12), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("revoked_ms", sa.BigInteger),
    )
    op.create_table(
        "health",
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("up", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
    )
