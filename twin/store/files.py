"""Hold the files of an embedded store open, and see one state of them at a time."""

import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from gis.errors import OutputError
from twin.store import catalogue
from twin.store.arrivals import Arrivals
from twin.store.arrow import arrow_of, spelled
from twin.store.columns import Columns, IntArray
from twin.store.connection import connect, is_outdated
from twin.store.faults import translated
from twin.store.hot import Row, Said, as_lists, last_number
from twin.store.manifest import Manifest, read_mark, read_ranks
from twin.store.marks import unpacked
from twin.store.queries import Shelves
from twin.store.recall import Recall
from twin.store.records import Kept
from twin.store.sealing import Caretaker, Written, discard

if TYPE_CHECKING:
    import pyarrow as pa

LATEST = "SELECT row FROM latest WHERE sequence > ? ORDER BY point"


@dataclass
class StoreFiles:
    """The open files of a store, and what is remembered of them.

    Attributes
    ----------
    path, folder : Path
        ``live.sqlite`` and the history folder.
    connection : sqlite3.Connection
    names : Names
        For writing.
    caretaker : Caretaker
    stands_for : int or None
        Version of a missing or older file that the connection, in memory, stands for.
    unsure : list
        Segments written within the present transaction.
    point_names, source_names : dict of int to str
        In order of first arrival; for reading, after `shelves` or `numbers`.
    """

    path: Path
    folder: Path
    connection: sqlite3.Connection
    names: catalogue.Names
    caretaker: Caretaker
    stands_for: int | None = None
    unsure: list[Written] = field(default_factory=list)
    point_names: dict[int, str] = field(default_factory=dict)
    source_names: dict[int, str] = field(default_factory=dict)
    _alone: bool = False
    _manifest: Manifest | None = None
    _ranks: IntArray = field(default_factory=lambda: np.zeros(1, np.int64))
    _recall: Recall = field(default_factory=Recall)
    _arrivals: Arrivals = field(default_factory=Arrivals)
    _latest: dict[int, Kept] = field(default_factory=dict)
    _latest_seen: tuple[int, int] = (0, 0)

    @classmethod
    def open(
        cls,
        path: Path,
        folder: Path,
        *,
        read_only: bool,
        wait: float,
        buildings: Mapping[str, str],
    ) -> Self:
        """Open the files (`twin.store.embedded.EmbeddedStore`)."""
        with translated(path):
            connection, stands_for = connect(path, read_only=read_only, wait=wait)
        names = catalogue.Names(connection, buildings)
        caretaker = Caretaker(folder, wait)
        return cls(path, folder, connection, names, caretaker, stands_for)

    def close(self) -> None:
        """Let go of the files."""
        if self._manifest:
            self._manifest.close()
        with translated(self.path):
            self.connection.close()

    # -- transactions ----------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all or nothing; the end is on the disk."""
        if self._alone:
            # The end is that of `alone`.
            with translated(self.path):
                yield from self._part()
            return
        with translated(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                self.names.refresh()
                yield
                self._check_begun()
                self.connection.execute("COMMIT")
            except BaseException:
                # A full disk rolls back by itself.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                self._forget()
                for written in self.unsure:
                    discard(self.folder, written)
                raise
            finally:
                self.unsure.clear()

    def _part(self) -> Iterator[None]:
        """Do all or nothing of a part of the transaction, whoever goes on without it."""
        self._check_begun()
        run, held = self.connection.execute, len(self.unsure)
        run("SAVEPOINT part")
        try:
            yield
            self._check_begun()
        except BaseException:
            if self.connection.in_transaction:
                run("ROLLBACK TO part")
                run("RELEASE part")
            self._forget()
            for written in self.unsure[held:]:
                discard(self.folder, written)
            del self.unsure[held:]
            raise
        run("RELEASE part")

    def _check_begun(self) -> None:
        """Refuse to go on where SQLite has undone the whole transaction by itself."""
        if not self.connection.in_transaction:
            message = (
                f"{self.path} must take all of it or nothing, but a part of it failed; "
                "nothing is kept: feed it again"
            )
            raise OutputError(message)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers out; all transactions within are one."""
        with self.transaction():
            self._alone = True
            try:
                yield
            finally:
                self._alone = False

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the store, whatever is written meanwhile."""
        with translated(self.path):
            self._look_again()
            self.connection.execute("BEGIN")
        try:
            yield
        finally:
            with translated(self.path):
                self.connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one state of the store: that of the transaction, or a snapshot."""
        if self.connection.in_transaction:
            with translated(self.path):
                yield
            return
        with self.snapshot(), translated(self.path):
            yield

    def _look_again(self) -> None:
        """Let go of a stand-in for the file once that is there, or brought up to date."""
        if self.stands_for is None or self.connection.in_transaction:
            return
        wait = self.caretaker.wait
        if not is_outdated(self.path, self.stands_for, wait=wait):
            return
        connection, stands_for = connect(self.path, read_only=True, wait=wait)
        self.connection.close()
        self.connection, self.stands_for = connection, stands_for
        self.names = catalogue.Names(connection, self.names.buildings)
        self._forget()

    def _forget(self) -> None:
        """Forget what was rolled back."""
        self.names.forget()
        self.point_names, self.source_names = {}, {}
        self._ranks = np.zeros(1, np.int64)
        self._latest, self._latest_seen = {}, (0, 0)
        self._arrivals.forget()
        if self._manifest:
            self._manifest.close()
        self._manifest = None

    # -- within a transaction --------------------------------------------------------

    def shelves(self) -> Shelves:
        """Return where everything lies."""
        self._manifest = Manifest.read(self.connection, self.folder, self._manifest)
        self._know_names()
        if max(self.point_names, default=0) >= len(self._ranks):
            self._ranks = read_ranks(self.connection)
        return Shelves(self.connection, self._manifest, self._ranks)

    def after(self, sequence: int, count: int) -> Columns:
        """Return statements after a number, in order of arrival, ``count`` at most."""
        return self._arrivals.after(self.shelves(), sequence, count)

    def recalled(self, rows: Sequence[Row]) -> Said:
        """Return what history says of the keys of rows of the hot log."""
        shelves = self.shelves()
        point, time = np.array(sorted({(row[1], row[2]) for row in rows}), np.int64).T
        said: Said = {}
        for number, moment, content in self._recall.find(
            shelves.manifest, shelves.ranks, point, time
        ):
            said.setdefault((number, moment), []).append(content)
        return said

    def numbers(self, points: Sequence[str] | None) -> IntArray:
        """Return the numbers of points that are known, each once; of all by default."""
        self._know_names()
        if points is None:
            return np.fromiter(self.point_names, np.int64, len(self.point_names))
        query = "SELECT number FROM points WHERE name = ?"
        found = (
            self.connection.execute(query, (name,)).fetchone()
            for name in dict.fromkeys(points)
        )
        return np.array([row[0] for row in found if row], np.int64)

    def latest(self) -> dict[int, Kept]:
        """Return the latest value of each point by number, in order of first arrival.

        Only what came since this was asked last is read.
        """
        self._know_names()
        seen = last_number(self.connection)[0], read_mark(self.connection, "latest")
        before, back = self._latest_seen
        if seen != self._latest_seen:
            if seen[1] != back:
                before = 0
                self._latest = {}
            rows = self.connection.execute(LATEST, (before,)).fetchall()
            columns = unpacked(self.connection, rows)
            known = len(self._latest)
            self._latest |= zip(columns["point"].tolist(), self.kept(columns), strict=True)
            if known and len(self._latest) > known:
                self._latest = dict(sorted(self._latest.items()))
            self._latest_seen = seen
        return self._latest

    def kept(self, columns: Columns) -> list[Kept]:
        """Return statements as records.

        The constructor of a frozen class takes three times as long as setting slot after
        slot of all of them, and live views ask for thousands.
        """
        self._know_names()
        lists = as_lists(columns)
        points, sources = self.point_names, self.source_names
        lists["point"] = [points[number] for number in lists["point"]]
        lists["source"] = [sources[number] for number in lists["source"]]
        made: list[Kept] = list(map(object.__new__, repeat(Kept, len(lists["point"]))))
        for name, column in lists.items():
            # Runs through without keeping what setting returns.
            deque(map(getattr(Kept, name).__set__, made, column), maxlen=0)
        return made

    def arrow(self, columns: Columns) -> "pa.Table":
        """Return statements as a table with names in the place of numbers."""
        import pyarrow as pa

        from twin.store.exported import observation_schema

        self._know_names()
        arrays: dict[str, Any] = {}
        for name, known in (("point", self.point_names), ("source", self.source_names)):
            arrays[name] = spelled(columns[name], known)
        schema = observation_schema()
        for name in schema.names:
            if name not in arrays:
                arrays[name] = arrow_of(columns[name], small=name == "quality")
        return pa.table(arrays, schema=schema)

    def _know_names(self) -> None:
        """Know the names of all numbers; they are never taken away."""
        query = "SELECT (SELECT max(number) FROM points), (SELECT max(number) FROM sources)"
        points, sources = self.connection.execute(query).fetchone()
        if points is not None and points not in self.point_names:
            self.point_names = catalogue.all_points(self.connection)
        if sources is not None and sources not in self.source_names:
            self.source_names = catalogue.all_sources(self.connection)
