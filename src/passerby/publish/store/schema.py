"""The tables of the store of releases: what reading and writing needs of them.

Invariant: there is no column that could hold an exact count, a time of a crossing or a place.

The tables are made by the migrations beside this file; SQLite and PostgreSQL have the same.
"""

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, MetaData, String, Table, Text

_METADATA = MetaData()

STORE = Table(
    "store",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(32)),
    Column("timezone", Text),
    # Goes up with every change of what can be read: a cache is right while it stands.
    Column("revision", BigInteger),
    Column("keep_bin_ms", BigInteger),
    Column("keep_hour_ms", BigInteger),
    Column("keep_day_ms", BigInteger),
    # What ends at or before these was given up: written late, it would be counted into its roll-ups twice.
    Column("pruned_bin_ms", BigInteger),
    Column("pruned_day_ms", BigInteger),
)
CELL = Table(
    "cell",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("camera", Text),
    Column("line", Text),
    Column("direction", Text),
    Column("label", Text),
)
RELEASE = Table(
    "release",
    _METADATA,
    Column("cell_id", Integer, primary_key=True),
    Column("level", String(4), primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("end_ms", BigInteger),
    Column("value", BigInteger),
    Column("noise_scale", Float(53)),
    Column("epsilon", Float(53)),
    Column("coverage", Float(53)),
    Column("receipt", Text),
    # Nothing where it is not known, as of what an earlier version wrote.
    Column("sender_clock", Float(53)),
)
ROLLUP = Table(
    "rollup",
    _METADATA,
    Column("cell_id", Integer, primary_key=True),
    Column("resolution", String(4), primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("end_ms", BigInteger),
    Column("value", BigInteger),
    Column("variance", Float(53)),
    Column("epsilon", Float(53)),
    # Milliseconds with frames, in millionths: an integer, so that no order of adding changes it.
    Column("covered", BigInteger),
    Column("summed_ms", BigInteger),
    Column("releases", Integer),
    # Of `covered`, what the sender's clock dated; nothing where it is not known of all that was summed.
    Column("sender", BigInteger),
)
API_KEY = Table(
    "api_key",
    _METADATA,
    Column("id", String(12), primary_key=True),
    Column("name", Text),
    Column("hash", Text),
    Column("scopes", Text),
    Column("created_ms", BigInteger),
    Column("expires_ms", BigInteger),
    Column("revoked_ms", BigInteger),
)
HEALTH = Table(
    "health",
    _METADATA,
    Column("camera", Text, primary_key=True),
    Column("up", Boolean),
    Column("reason", Text),
    Column("since_ms", BigInteger),
    Column("seen_ms", BigInteger),
)
