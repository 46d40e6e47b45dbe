"""Lay out the tables of a twin in PostgreSQL.

Every statement lies in one of two tables: ``recent`` in order of arrival, small and cheap
to write, and ``history``, cut by month of the time that statements are of, where compaction
puts them down by point and time: whoever reads a year of a building reads little else.
A statement stands from ``known`` until before ``stops``; one that never stood has both
equal. So what was known at any time is a plain comparison, and exactly one statement of
a point and time passes it.
"""

import hashlib
from datetime import UTC, datetime

from gis.errors import SourceError
from twin.store.postgres_driver import psycopg, sql

VERSION = 1
"""Stands in the table ``layout``; a program refuses tables of a newer one."""

SERVER = 15
"""Oldest version of PostgreSQL that is known to work."""

FOREVER = 2**63 - 1
"""``stops`` of a statement that stands."""

FIRST_MONTH, LAST_MONTH = (2000, 1), (2100, 1)
"""Times outside have one part each, so that a wrong clock cannot make parts at will."""

_STATEMENT = """(
    sequence bigint NOT NULL,
    time bigint NOT NULL,
    known bigint NOT NULL,
    stops bigint NOT NULL,
    version bigint NOT NULL,
    value double precision,
    point integer NOT NULL,
    source integer NOT NULL,
    quality integer NOT NULL,
    revision integer NOT NULL
)"""
# The columns go from wide to narrow, which leaves no gaps in a row.

COLUMNS = (
    "sequence", "time", "known", "stops", "version", "value", "point", "source", "quality",
    "revision",
)  # fmt: skip
"""Columns of statements in the order of the tables."""

_START = (
    "CREATE TABLE layout (version integer NOT NULL)",
    """
    CREATE TABLE head (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        sequence bigint NOT NULL DEFAULT 0,
        known bigint NOT NULL DEFAULT 0,
        first bigint,
        last bigint,
        settled bigint
    ) WITH (fillfactor = 10)
    """,
    "COMMENT ON TABLE head IS 'last number, when it was learned, first and last time of "
    "all statements, last time in history'",
    "INSERT INTO head DEFAULT VALUES",
    """
    CREATE TABLE points (
        number integer PRIMARY KEY,
        name text NOT NULL UNIQUE,
        building text NOT NULL DEFAULT ''
    )
    """,
    "CREATE TABLE sources (number integer PRIMARY KEY, name text NOT NULL UNIQUE)",
    # Room beside each row lets its ``stops`` change without touching the indexes.
    f"CREATE TABLE recent {_STATEMENT} WITH (fillfactor = 90)",
    "CREATE UNIQUE INDEX ON recent (point, time, revision)",
    "CREATE UNIQUE INDEX ON recent (sequence)",
)

_END = (
    "CREATE UNIQUE INDEX ON history (point, time, revision)",
    # What one compaction moved lies together and has numbers of one range.
    "CREATE INDEX ON history USING brin (sequence) WITH (pages_per_range = 32)",
    "CREATE INDEX ON history (sequence) WHERE revision > 0",
    "CREATE VIEW statements AS SELECT * FROM recent UNION ALL SELECT * FROM history",
    # The newest value of each point follows from the statements.
    f"CREATE TABLE latest {_STATEMENT} WITH (fillfactor = 50)",
    "ALTER TABLE latest ADD PRIMARY KEY (point)",
    """
    CREATE TABLE editions (
        number bigint PRIMARY KEY,
        valid_from bigint NOT NULL,
        geometry text NOT NULL,
        model text NOT NULL,
        known bigint NOT NULL
    )
    """,
    """
    CREATE TABLE quarantine (
        number bigint PRIMARY KEY,
        same bytea NOT NULL UNIQUE,
        reason text NOT NULL,
        message bytea NOT NULL,
        row bytea NOT NULL,
        origin bytea NOT NULL,
        form bytea NOT NULL,
        payload bytea NOT NULL,
        first_known bigint NOT NULL,
        last_known bigint NOT NULL,
        times bigint NOT NULL,
        released bigint
    )
    """,
    "COMMENT ON TABLE quarantine IS 'text is UTF-8 in bytes, as what is refused may hold "
    "characters that text cannot'",
)

# Nothing that was once known is changed. A foreign hand is stopped by the server itself.
_GUARD = (
    """
    CREATE FUNCTION stands() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'statements are never changed'; END $$
    """,
    *(
        "CREATE TRIGGER stands BEFORE UPDATE OF sequence, time, known, version, value, "
        f"point, source, quality ON {table} FOR EACH ROW EXECUTE FUNCTION stands()"
        for table in ("recent", "history")
    ),
)

_PARTED = f"CREATE TABLE history {_STATEMENT} PARTITION BY RANGE (time)"
# Untested here, as TimescaleDB is in no Debian. The interval is 30 days.
_HYPERTABLE = (
    f"CREATE TABLE history {_STATEMENT}",
    "SELECT create_hypertable('history', 'time', chunk_time_interval => 2592000000000, "
    "create_default_indexes => false)",
)


def schema_of(twin: str) -> str:
    """Return the name of a twin's schema.

    Raises
    ------
    SourceError
        If the twin has no name, or one that cannot be that of a schema.
    """
    name = f"heidi_{twin}"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        size = 0
    # PostgreSQL would cut a longer name and so let two twins share one schema.
    if not twin or "\0" in twin or not 0 < size <= 63:
        message = (
            f"a twin's name must have 1 to 57 bytes of text, got {twin!r}; name another"
        )
        raise SourceError(message)
    return name


def lay_out(connection: psycopg.Connection, schema: str) -> None:
    """Make the tables of an empty twin, within a transaction of the caller."""
    connection.execute(
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema))
    )
    history = _HYPERTABLE if _has_timescale(connection) else (_PARTED,)
    for statement in (*_START, *history, *_END, *_GUARD):
        connection.execute(statement)
    connection.execute("INSERT INTO layout VALUES (%s)", (VERSION,))


def lay_out_nothing(connection: psycopg.Connection) -> None:
    """Let a reader of a twin that nobody has fed yet see an empty one, of its own."""
    connection.execute("SET search_path = pg_temp")
    for statement in (*_START, _PARTED, *_END):
        if not statement.startswith("COMMENT"):
            connection.execute(statement)
    connection.execute("SET default_transaction_read_only = on")


def is_laid_out(connection: psycopg.Connection, schema: str, *, where: str) -> bool:
    """Return whether a twin is there, and check that it is ours.

    Raises
    ------
    SourceError
        If it is another program's, or of another version.
    """
    tables = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s",
        (schema,),
    ).fetchall()
    if not tables:
        return False
    if ("layout",) not in tables:
        message = (
            f"{where} must be a store of this program, got another program's schema "
            f"{schema}; name another twin"
        )
        raise SourceError(message)
    # By its full name, without which missing rights would look like a missing table.
    versions = sql.SQL("SELECT max(version) FROM {}").format(
        sql.Identifier(schema, "layout")
    )
    row = connection.execute(versions).fetchone()
    version = row[0] if row else None
    if version != VERSION:
        message = (
            f"{where} must be a store of version {VERSION}, got version {version}; update "
            "this program"
        )
        raise SourceError(message)
    return True


def add_months(connection: psycopg.Connection, times: list[int]) -> None:
    """Make the parts of the history that some times fall into, where they are missing."""
    row = connection.execute(
        "SELECT relkind = 'p' FROM pg_class WHERE oid = 'history'::regclass"
    ).fetchone()
    if not row or not row[0]:
        return  # TimescaleDB does it.
    there = set(months(connection))
    for name, start, end in sorted({month_of(time) for time in times}):
        if name in there:
            continue
        table = sql.Identifier(name)
        # Made beside and then attached, it does not wait for readers of the history.
        connection.execute(
            sql.SQL("CREATE TABLE {} (LIKE history INCLUDING ALL)").format(table)
        )
        connection.execute(
            sql.SQL("ALTER TABLE history ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
            .format(table, *(sql.SQL(edge) for edge in (start, end)))
        )  # fmt: skip


def months(connection: psycopg.Connection) -> list[str]:
    """Return the names of the parts of the history, the earliest first.

    Empty where TimescaleDB cuts it.
    """
    rows = connection.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'history'::regclass AND c.relispartition ORDER BY c.relname"
    ).fetchall()
    return [str(name) for (name,) in rows]


def month_of(time: int) -> tuple[str, str, str]:
    """Return name and edges of the part that a time falls into."""
    first, last = _edge(*FIRST_MONTH), _edge(*LAST_MONTH)
    if time < first:
        return "history_0000_early", "MINVALUE", str(first)
    if time >= last:
        return "history_9999_late", str(last), "MAXVALUE"
    at = datetime.fromtimestamp(time // 1_000_000, UTC)
    after = (at.year + at.month // 12, at.month % 12 + 1)
    name = f"history_{at.year}_{at.month:02}"
    return name, str(_edge(at.year, at.month)), str(_edge(*after))


def _edge(year: int, month: int) -> int:
    """Return the start of a month [microseconds since 1970, UTC]."""
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1_000_000


def _has_timescale(connection: psycopg.Connection) -> bool:
    """Return whether TimescaleDB is switched on in this database."""
    query = "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"
    row = connection.execute(query).fetchone()
    return bool(row and row[0])


def lock_number(schema: str) -> int:
    """Return the number of the lock that a writer of a schema holds."""
    digest = hashlib.sha256(f"heidi {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
