"""Hold the connection to a server that may be restarted at any time."""

import contextlib
import select
import time as clock
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis.errors import OutputError, SourceError
from twin.store.postgres_driver import conninfo, psycopg, sql
from twin.store.postgres_faults import is_lost, place, translated, unreachable
from twin.store.postgres_identity import Identity, is_tied, kept_identity, tie
from twin.store.postgres_migration import migrate
from twin.store.postgres_schema import (
    CARE,
    SERVER,
    VERSION,
    finds_its_own,
    lay_out,
    lay_out_functions,
    lay_out_nothing,
    layout_of,
    lock_number,
    schema_of,
)
from twin.store.postgres_wire import adapt

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

WAIT = 5.0
"""How long to wait for a server that restarts, and for another writer unless
``lock_timeout`` is set in the address or the database [s]."""

_STARTING = ("starting up", "shutting down", "recovery mode", "not yet accepting")

Values = Sequence[object] | Mapping[str, object]


class Link:
    """A connection to the tables of one twin, made again when it was lost.

    Parameters
    ----------
    address : str
        As libpq reads it: ``postgresql://user@host:5432/database``.
    twin : str
        Which of the database's twins.
    read_only : bool
        Whether nothing shall be written; a twin that is not there reads as empty.
    folder : Path, optional
        Twin folder that must be the one whose observations these are.

    Raises
    ------
    SourceError, OutputError
        As told in `twin.store.protocol.Store`.
    """

    def __init__(
        self, address: str, *, twin: str, read_only: bool, folder: Path | None = None
    ) -> None:
        self._address = address
        self._folder = folder
        self._schema = schema_of(twin)
        self._read_only = read_only
        self._connection: psycopg.Connection | None = None
        self._closed = False
        self.where = f"twin {twin!r} in {place(address)}"
        self.inside = False
        """Whether a transaction is open."""
        self.renewals = 0
        """How often a connection was made, a transaction undone, or other tables found in
        the place of those known: what was remembered from before may be wrong."""
        self._absent = False
        self._home: int | None = None
        self._displaced = False
        self._alive()

    def close(self) -> None:
        """Let go of the server."""
        self._closed = True
        if self._connection is not None:
            self._connection.close()

    def identity(self) -> Identity | None:
        """Return whose observations these are, None where nobody said so yet."""
        with translated(self.where):
            return kept_identity(self._alive())

    def run(self, query: str, values: Values = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run one statement; its answer comes in binary form."""
        with translated(self.where):
            return self._alive().execute(query, values or None, binary=True)

    def arrays(self, query: str, values: Values = ()) -> "PGresult":
        """Run a query whose answer is left as the server sent it, in binary form."""
        result = self.run(query, values).pgresult
        assert result is not None, query
        return result

    def many(self, query: str, rows: Sequence[Values]) -> None:
        """Run a statement for each of several rows."""
        with translated(self.where), self._alive().cursor() as cursor:
            cursor.executemany(query, rows)

    def copy(self, query: str, parts: Iterable[bytes]) -> None:
        """Send rows in bulk."""
        with (
            translated(self.where),
            self._alive().cursor() as cursor,
            cursor.copy(query) as copy,
        ):
            for part in parts:
                copy.write(part)

    @contextlib.contextmanager
    def writing(self, *, large: bool = False) -> Iterator[psycopg.Connection]:
        """Do all or nothing, alone; the end is on the server's disk.

        Within another one it is undone by itself, but comes to the disk with the outer.
        """
        if self._read_only:
            message = f"{self.where} must be writable, but was opened for reading only"
            raise OutputError(message)
        nested = self.inside
        with translated(self.where), self._transaction() as connection:
            if not nested:
                self._enter(connection)
            if large:
                connection.execute(
                    "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; "
                    f"SET LOCAL enable_mergejoin = on; SET LOCAL {CARE} = on"
                )
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read within what was there at the beginning."""
        if self.inside:
            yield
            return
        with translated(self.where), self._transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self.recognise(connection.execute("SELECT tableoid FROM head").fetchone())
            yield

    def recognise(self, home: tuple[int, ...] | None) -> bool:
        """Say whether the tables are those known; if others took their place, forget.

        Whether those are this folder's is asked with the next connection, made at once.
        """
        if home is None or home[0] is None or home[0] == self._home:
            return True
        known, self._home = self._home, home[0]
        if known is None:
            return True
        self._displaced = True
        self.renewals += 1
        return False

    def _enter(self, connection: psycopg.Connection) -> None:
        """Keep other writers out of what may be a schema that was dropped and put back."""
        # In one question: to ask by itself would cost each batch a round trip.
        home = connection.execute(
            "SELECT to_regclass(%s)::oid FROM "
            f"pg_advisory_xact_lock({lock_number(self._schema)})",
            (self._head_of(connection),),
        ).fetchone()
        if not self.recognise(home):
            self._set_up(connection)

    def _head_of(self, connection: psycopg.Connection) -> str:
        """Return the full name of the table that says where the store stands."""
        return sql.Identifier(self._schema, "head").as_string(connection)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        """Open a transaction, or a part of it that can be undone by itself."""
        connection = self._alive()
        nested, self.inside = self.inside, True
        try:
            with connection.transaction():
                yield connection
        except BaseException:
            self.renewals += 1
            raise
        finally:
            self.inside = nested

    def tend(self, statement: str) -> None:
        """Run a statement of upkeep that cannot be part of a transaction."""
        if not self.inside:
            self.run(statement)

    def _alive(self) -> psycopg.Connection:
        """Return a connection that works, as far as can be told without asking."""
        if self._closed:
            message = f"{self.where} must be open, but was closed; open it again"
            raise OutputError(message)
        held = self._connection
        stays = not (self._absent or self._displaced)
        if held is not None and (self.inside or (stays and _is_open(held))):
            return held
        if held is not None:
            held.close()
        self._connection = self._connect(patient=held is not None)
        self._displaced = False
        self.renewals += 1
        try:
            with translated(self.where):
                self._set_up(self._connection)
        except BaseException:
            self._connection.close()
            raise
        return self._connection

    def _connect(self, *, patient: bool) -> psycopg.Connection:
        """Reach the server; wait for one that starts, or that was there before."""
        end = clock.monotonic() + WAIT
        while True:
            try:
                return psycopg.connect(
                    self._address,
                    autocommit=True,
                    client_encoding="utf8",
                    fallback_application_name="heidi",
                    **_unless_said(self._address, connect_timeout=10),
                )
            except psycopg.Error as error:
                starting = any(word in str(error) for word in _STARTING)
                gone = patient and "authentication" not in str(error)
                if not (starting or gone) or clock.monotonic() > end:
                    raise unreachable(self._address, error) from error
            clock.sleep(0.05)

    def _set_up(self, connection: psycopg.Connection) -> None:
        """Make a new connection that of this twin, and the twin where it is not there."""
        version = connection.info.server_version // 10_000
        encoding = connection.info.parameter_status("server_encoding")
        if version < SERVER or encoding != "UTF8":
            message = (
                f"{self.where} must be PostgreSQL {SERVER} or newer with text in UTF8, got "
                f"{version} with {encoding}; choose another database"
            )
            raise SourceError(message)
        quoted = sql.Identifier(self._schema).as_string(connection)
        for setting, value in (
            # Its own tables first; extensions lie in public.
            ("search_path", f"{quoted}, public"),
            ("client_min_messages", "error"),
            # Each statement must see what the writer before it left, whose end it awaits.
            ("default_transaction_isolation", "read committed"),
            # Compiling costs more than these queries.
            ("jit", "off"),
            # What is asked for is small beside the store, whatever the statistics of tables
            # that were empty a moment ago say.
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
        ):
            connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
        connection.execute(
            "SELECT set_config('lock_timeout', %s, false) "
            "WHERE current_setting('lock_timeout') = '0'",
            (f"{WAIT:.0f}s",),
        )
        # A year of a building is grouped without writing to the disk.
        connection.execute(
            "SELECT set_config('work_mem', '64MB', false) "
            "WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB')"
        )
        # Whoever set a server to forget what it acknowledged did not mean this.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
        adapt(connection)
        laid_out = layout_of(connection, self._schema, where=self.where)
        self._absent = self._read_only and laid_out is None
        if self._absent:
            lay_out_nothing(connection)
        elif self._read_only:
            connection.execute("SET default_transaction_read_only = on")
            if laid_out != VERSION:
                message = (
                    f"{self.where} must be a store of version {VERSION}, got version "
                    f"{laid_out}; open it for writing once, which brings it up to date "
                    "(heidi store compact)"
                )
                raise SourceError(message)
            self._is_tied(connection)
        elif (
            laid_out != VERSION
            or not self._is_tied(connection)
            or not finds_its_own(connection, self._schema)
        ):
            with connection.transaction():
                connection.execute(
                    f"SELECT pg_advisory_xact_lock({lock_number(self._schema)})"
                )
                # Another process may have been faster.
                found = layout_of(connection, self._schema, where=self.where)
                if found is None:
                    lay_out(connection, self._schema)
                elif found != VERSION:
                    migrate(connection, self._schema)
                elif not finds_its_own(connection, self._schema):
                    lay_out_functions(connection, self._schema)
                if self._folder is not None:
                    tie(connection, self._folder, where=self.where)
        home = connection.execute(
            "SELECT to_regclass(%s)::oid", (self._head_of(connection),)
        ).fetchone()
        self._home = home[0] if home else None

    def _is_tied(self, connection: psycopg.Connection) -> bool:
        """Return whether the folder, if any, is that of the schema; refuse another's."""
        return self._folder is None or is_tied(connection, self._folder, where=self.where)


def _unless_said(address: str, **defaults: object) -> dict[str, Any]:
    """Return settings that the address does not have."""
    said = conninfo.conninfo_to_dict(address)
    return {name: value for name, value in defaults.items() if name not in said}


def _is_open(connection: psycopg.Connection) -> bool:
    """Return whether a connection is not known to be lost."""
    if connection.closed or connection.broken:
        return False
    # A server that stops says so: something is there to be read though nothing was asked.
    if not select.select([connection.fileno()], [], [], 0)[0]:
        return True
    try:
        connection.execute("SELECT 1")
    except psycopg.Error as error:
        if is_lost(error) or connection.closed:
            return False
        raise
    return True
