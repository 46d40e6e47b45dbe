"""Lay out the tables of a twin in PostgreSQL.

A statement lies in one of two tables: ``recent`` holds rows in order of arrival, cheap to
write; ``history`` holds packs, each the statements of one point and month as columns of
`twin.store.postgres_packing`, put there by compaction and by large tables. Nothing there
is ever updated: that another statement supersedes one is a row in ``superseded`` besides,
until compaction packs it too. A statement stands from ``known`` until before ``stops``; one
that never stood has both equal. So what was known at any time is a plain comparison, and
exactly one statement of a point and time passes it.
"""

import hashlib

from gis.errors import SourceError
from twin.store.postgres_driver import psycopg, sql
from twin.store.postgres_unpacking import FUNCTIONS, PACKED, SCHEMA, STATEMENTS

VERSION = 2
"""Stands in the table ``layout``; a program refuses tables of a newer one, and brings
those of an older one up to date when it may write (`postgres_migration`)."""

SERVER = 15
"""Oldest version of PostgreSQL that is known to work."""

FOREVER = 2**63 - 1
"""``stops`` of a statement that stands."""

_STATEMENT = """(
    sequence bigint NOT NULL,
    time bigint NOT NULL,
    known bigint NOT NULL,
    version bigint NOT NULL,
    value double precision,
    point integer NOT NULL,
    source integer NOT NULL,
    quality integer NOT NULL,
    revision integer NOT NULL
)"""
# The columns go from wide to narrow, which leaves no gaps in a row.

COLUMNS = (
    "sequence", "time", "known", "version", "value", "point", "source", "quality",
    "revision",
)  # fmt: skip
"""Columns of statements in the order of the tables."""

PACK = (
    "first", "last", "low", "high", "learned", "point", "month", "count", "told", "revised",
    "ended",
)  # fmt: skip
"""Columns of ``history`` beside the packed ones: first and last time, lowest and highest
number, when the last was learned, point, month since 1970 (one for all times before 2000,
one for all from 2100 on: wrong clocks), and how many statements, with a value, beyond the
first of their time, and that ceased to stand."""

SUPERSEDED = ("time", "sequence", "stops", "point")
"""Columns of ``superseded``."""

_START = (
    "CREATE TABLE layout (version integer NOT NULL, identity uuid, origin text)",
    "COMMENT ON TABLE layout IS 'version of the tables, and which folder they belong to'",
    """
    CREATE TABLE head (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        sequence bigint NOT NULL DEFAULT 0,
        known bigint NOT NULL DEFAULT 0,
        first bigint,
        last bigint,
        settled bigint,
        turns bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 10)
    """,
    "COMMENT ON TABLE head IS 'last number, when it was learned, first and last time of "
    "all statements, last time in history, how often latest values went back'",
    "INSERT INTO head DEFAULT VALUES",
    """
    CREATE TABLE points (
        number integer PRIMARY KEY,
        name text NOT NULL UNIQUE,
        building text NOT NULL DEFAULT ''
    )
    """,
    "CREATE TABLE sources (number integer PRIMARY KEY, name text NOT NULL UNIQUE)",
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

_WHERE_STATEMENTS_LIE = (
    f"CREATE TABLE recent {_STATEMENT}",
    "CREATE UNIQUE INDEX ON recent (point, time, revision)",
    "CREATE UNIQUE INDEX ON recent (sequence)",
    f"""
    CREATE TABLE history (
        {", ".join(f"{name} bigint NOT NULL" for name in PACK[:5])},
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        {", ".join(f"{name} integer NOT NULL" for name in PACK[5:])},
        {", ".join(f"{name} bytea NOT NULL" for name in PACKED)}
    )
    """,
    # Packed already: the server need not try.
    *(f"ALTER TABLE history ALTER COLUMN {name} SET STORAGE EXTERNAL" for name in PACKED),
    "COMMENT ON TABLE history IS 'statements of a point and month in packed columns; the "
    "view statements unpacks them'",
    "CREATE INDEX ON history (point, first, last)",
    "CREATE INDEX ON history (high, low)",
    """
    CREATE TABLE superseded (
        time bigint NOT NULL,
        sequence bigint NOT NULL,
        stops bigint NOT NULL,
        point integer NOT NULL,
        PRIMARY KEY (point, time, sequence)
    )
    """,
    "COMMENT ON TABLE superseded IS 'until when statements stood that do no more, if "
    "their pack does not say so'",
)

# Nothing that was once known is changed. A foreign hand is stopped by the server itself.
CARE = "heidi.care"
"""Setting that lets a transaction take statements out of a table: those that compaction
puts down elsewhere, and those that are retired."""

_GUARD = (
    f"""
    CREATE FUNCTION stands() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'UPDATE' OR current_setting('{CARE}', true) IS DISTINCT FROM 'on' THEN
            RAISE EXCEPTION 'statements are never changed or lost';
        END IF;
        RETURN NULL;
    END $$
    """,
    *(
        f"CREATE TRIGGER stands BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION stands()"
        for table in ("recent", "history", "superseded")
    ),
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
    for statement in _START:
        connection.execute(statement)
    lay_out_statements(connection, schema)
    connection.execute("INSERT INTO layout VALUES (%s)", (VERSION,))


def lay_out_statements(connection: psycopg.Connection, schema: str) -> None:
    """Make the tables that statements lie in, and what reads and guards them."""
    for statement in _WHERE_STATEMENTS_LIE:
        connection.execute(statement)
    lay_out_functions(connection, schema)
    for statement in (STATEMENTS, *_GUARD):
        connection.execute(statement)


def lay_out_functions(connection: psycopg.Connection, schema: str) -> None:
    """Make the functions that unpack statements, or make them anew."""
    quoted = sql.Identifier(schema).as_string(connection)
    for statement in FUNCTIONS:
        begin, body, end = statement.split("$$")
        # Quoted as text: a name may hold dollars.
        told = sql.Literal(body.replace(SCHEMA, quoted)).as_string(connection)
        connection.execute(f"{begin}{told}{end}")


def finds_its_own(connection: psycopg.Connection, schema: str) -> bool:
    """Return whether the functions of a schema find each other, whoever calls them.

    Those from before did not. Whoever may not change them leaves them as they are.
    """
    quoted = sql.Identifier(schema).as_string(connection)
    row = connection.execute(
        "SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = %s AND p.proname IN ('numbers', 'measures') "
        "AND strpos(p.prosrc, %s) = 0 AND pg_has_role(p.proowner, 'USAGE')",
        (schema, f"{quoted}.departures("),
    ).fetchone()
    return row is None


def lay_out_nothing(connection: psycopg.Connection) -> None:
    """Let a reader of a twin that nobody has fed yet see an empty one, of its own."""
    connection.execute("SET search_path = pg_temp")
    for statement in (*_START, *_WHERE_STATEMENTS_LIE):
        if not statement.startswith("COMMENT"):
            connection.execute(statement)
    connection.execute("SET default_transaction_read_only = on")


def layout_of(connection: psycopg.Connection, schema: str, *, where: str) -> int | None:
    """Return the version of a twin's tables, None where there are none.

    Raises
    ------
    SourceError
        If they are another program's, or of a newer version.
    """
    tables = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s",
        (schema,),
    ).fetchall()
    if not tables:
        return None
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
    if version is None or not 1 <= version <= VERSION:
        message = (
            f"{where} must be a store of version {VERSION}, got version {version}; update "
            "this program"
        )
        raise SourceError(message)
    return int(version)


def lock_number(schema: str) -> int:
    """Return the number of the lock that a writer of a schema holds."""
    digest = hashlib.sha256(f"heidi {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
