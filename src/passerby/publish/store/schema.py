"""The tables of the store of releases, as SQLAlchemy describes them.

Invariant: no column can contain an exact count, the time of a crossing or a position in the picture.

The migrations beside this file create the tables; they are the same in SQLite and PostgreSQL.
"""

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, MetaData, String, Table, Text

_METADATA = MetaData()

STORE = Table(
    "store",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(32)),
    Column("timezone", Text),
    # Increases with every change of the data: a cached response is valid while this number stays the same.
    Column("revision", BigInteger),
    Column("keep_bin_ms", BigInteger),
    Column("keep_hour_ms", BigInteger),
    Column("keep_day_ms", BigInteger),
    # Releases that end at or before these times were pruned. One that arrives late is not added to sums again.
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
    # NULL where it is not known, as in rows from an earlier version.
    Column("sender_clock", Float(53)),
    # NULL is the footage promise, so also rows from an earlier version.
    Column("promise", String(16)),
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
    # Milliseconds with frames, in millionths: an integer, so that the order of additions does not change it.
    Column("covered", BigInteger),
    Column("summed_ms", BigInteger),
    Column("releases", Integer),
    # The part of `covered` that was dated by the sender's clock; NULL unless it is known for every bin in the sum.
    Column("sender", BigInteger),
    # That of all bins in the sum; NULL as in the releases.
    Column("promise", String(16)),
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
