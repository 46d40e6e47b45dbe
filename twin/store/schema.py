"""Lay out the log's file."""

VERSION = 1
"""Stands in the file's ``user_version``; a program refuses files of a newer one."""

LAYOUT = (
    "CREATE TABLE points (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE sources (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """
    CREATE TABLE observations (
        sequence INTEGER PRIMARY KEY,
        point INTEGER NOT NULL REFERENCES points,
        time INTEGER NOT NULL,
        value REAL,
        source INTEGER NOT NULL REFERENCES sources,
        known INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        UNIQUE (point, time, revision)
    ) STRICT
    """,
    # Corrections are few among many: they are counted without reading the others.
    "CREATE INDEX corrections ON observations (sequence) WHERE revision > 0",
    # Nothing that was once known is changed or lost.
    """
    CREATE TRIGGER observations_stand BEFORE UPDATE ON observations
    BEGIN SELECT RAISE(ABORT, 'observations are never changed'); END
    """,
    """
    CREATE TRIGGER observations_stay BEFORE DELETE ON observations
    BEGIN SELECT RAISE(ABORT, 'observations are never deleted'); END
    """,
    """
    CREATE TABLE current (
        point INTEGER NOT NULL REFERENCES points,
        time INTEGER NOT NULL,
        value REAL,
        source INTEGER NOT NULL REFERENCES sources,
        sequence INTEGER NOT NULL,
        known INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        PRIMARY KEY (point, time)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE quarantine (
        number INTEGER PRIMARY KEY,
        reason TEXT NOT NULL,
        message TEXT NOT NULL,
        row TEXT NOT NULL,
        first_known INTEGER NOT NULL,
        last_known INTEGER NOT NULL,
        times INTEGER NOT NULL,
        UNIQUE (reason, row)
    ) STRICT
    """,
)
"""Statements that make an empty log. Times are microseconds since 1970, UTC."""
