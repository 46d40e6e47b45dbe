"""Lay out the file of the embedded store."""

VERSION = 3
"""Stands in the file's ``user_version``; a program refuses files of a newer one."""

MARKS = ("sequence", "known", "sealed", "retired", "generation", "latest")
"""Last number and time of learning of what is sealed; largest number that may leave this
file; time before which statements are forgotten; how often the segments changed; how often
latest values went back in time."""

LAYOUT = (
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
    *(
        f"INSERT INTO marks VALUES ('{name}', {-(2**63) if name == 'retired' else 0})"
        for name in MARKS
    ),
    "CREATE TABLE buildings (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    # Segments hold values of the point up to `sealed`: what comes later needs no look.
    """
    CREATE TABLE points (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        building INTEGER NOT NULL REFERENCES buildings,
        sealed INTEGER NOT NULL DEFAULT (-9223372036854775807 - 1)
    ) STRICT
    """,
    "CREATE TABLE sources (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """
    CREATE TABLE observations (
        sequence INTEGER PRIMARY KEY,
        point INTEGER NOT NULL REFERENCES points,
        time INTEGER NOT NULL,
        value REAL,
        source INTEGER NOT NULL REFERENCES sources,
        quality INTEGER NOT NULL,
        version INTEGER NOT NULL,
        known INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        mark INTEGER NOT NULL
    ) STRICT
    """,
    # Time comes first: what arrives together then lies together, and a batch of a thousand
    # points touches few pages. With the point first it took twice as long.
    "CREATE UNIQUE INDEX keys ON observations (time, point, revision)",
    # Corrections are few among many: they are counted without reading the others.
    "CREATE INDEX corrections ON observations (sequence) WHERE revision > 0",
    # Nothing that was once known is changed or lost.
    """
    CREATE TRIGGER observations_stand BEFORE UPDATE ON observations
    BEGIN SELECT RAISE(ABORT, 'observations are never changed'); END
    """,
    """
    CREATE TRIGGER observations_stay BEFORE DELETE ON observations
    WHEN OLD.sequence > (SELECT value FROM marks WHERE name = 'sealed')
        AND OLD.time >= (SELECT value FROM marks WHERE name = 'retired')
    BEGIN SELECT RAISE(ABORT, 'observations are never deleted'); END
    """,
    """
    CREATE TABLE latest (
        point INTEGER PRIMARY KEY REFERENCES points,
        time INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        row BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE segments (
        number INTEGER PRIMARY KEY,
        file TEXT NOT NULL UNIQUE,
        month INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        revised INTEGER NOT NULL,
        superseded INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        first_sequence INTEGER NOT NULL,
        last_sequence INTEGER NOT NULL,
        first_known INTEGER NOT NULL,
        last_known INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        footer INTEGER NOT NULL,
        blocks BLOB NOT NULL
    ) STRICT
    """,
    # Files that were merged into others: readers may still look at them for a while.
    "CREATE TABLE leftovers (file TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT",
    """
    CREATE TABLE editions (
        number INTEGER PRIMARY KEY,
        valid_from INTEGER NOT NULL,
        geometry TEXT NOT NULL,
        model TEXT NOT NULL,
        known INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE quarantine (
        number INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        place INTEGER NOT NULL,
        reason TEXT NOT NULL,
        message TEXT NOT NULL,
        row TEXT NOT NULL,
        origin TEXT NOT NULL,
        form TEXT NOT NULL,
        payload BLOB NOT NULL,
        first_known INTEGER NOT NULL,
        last_known INTEGER NOT NULL,
        times INTEGER NOT NULL,
        released INTEGER
    ) STRICT
    """,
    "CREATE INDEX refusals ON quarantine (reason)",
    "CREATE INDEX lately ON quarantine (last_known, number)",
)
"""Statements that make an empty store. Times are microseconds since 1970, UTC."""

COLUMNS = (
    "sequence",
    "point",
    "time",
    "value",
    "source",
    "quality",
    "version",
    "known",
    "revision",
)
"""Columns of ``observations`` in their order; they have the mark of `twin.store.marks`
besides. A row of ``latest`` holds all of it as one text of bytes: five thousand are read in
a third of the time."""
