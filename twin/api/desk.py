"""Hold what the answers are made from: the twin, and stores that stay open."""

import queue
import threading
import time as clock
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gis.errors import HeidiError, OutputError
from twin.api.points import LatestTexts, encoded
from twin.as_known import look_known, state_record
from twin.as_of import AsOf, Roll, label_of, look_back, moment_of, text
from twin.editions import keep_edition
from twin.ingest.intake import Intake
from twin.ingest.mapping import Mapping, read_mapping
from twin.live import LiveTwin
from twin.live_state import LiveState
from twin.model import Point
from twin.store.embedded import FILE, now
from twin.store.opening import VARIABLE, open_store
from twin.store.protocol import Store
from twin.store.records import Kept

if TYPE_CHECKING:
    from twin.build import Built
    from twin.expected_sizes import Size
    from twin.features import Collection

Answer = TypeVar("Answer")

READERS = 4
"""Stores that are open for reading; more askers wait for a free one."""

REUSED = 1.0
"""How long an answer about the same log serves other askers [s]."""


class _Held:
    """An open store and the thread it belongs to."""

    def __init__(
        self, folder: Path, opened: Callable[[], Store], *, reads: bool = True
    ) -> None:
        self._reads = reads
        self._folder = folder
        self._opened = opened
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._store: Store | None = None
        self._file: tuple[int, int] | None = None

    def ask(self, question: Callable[[Store], Answer]) -> Answer:
        """Return what a question to the store gives."""
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
            told = self._thread.submit(self._answer, question)
        return told.result()

    def close(self) -> None:
        """Let go of the store and end the thread; who asks again begins anew."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                thread.submit(self._drop).result()
                thread.shutdown()

    def _answer(self, question: Callable[[Store], Answer]) -> Answer:
        """Answer in the store's own thread."""
        held = self._store is not None
        try:
            return self._answer_once(question)
        except OutputError:
            # The connection of a store that stayed open may have ended since: who only
            # reads asks again. What was written is told by whoever wrote it.
            if not (held and self._reads):
                raise
        return self._answer_once(question)

    def _answer_once(self, question: Callable[[Store], Answer]) -> Answer:
        """Answer by the store that is open, or open it."""
        found = _identity(self._folder)
        if found != self._file:
            # A file is there now, or another has taken the place of the one that is open.
            self._drop()
        if self._store is None:
            self._store, self._file = self._opened(), found
        try:
            told = question(self._store)
            empty = found is not None and self._store.sequence == 0
        except HeidiError:
            # What went wrong may be mended by now: the next question begins anew.
            self._drop()
            raise
        if empty:
            # A file that was being laid out when it was opened reads as empty for ever.
            self._drop()
        return told

    def _drop(self) -> None:
        """Let go of the store."""
        held, self._store = self._store, None
        if held is not None:
            held.close()


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells a store from another in its place; None if there is none."""
    if environ.get(VARIABLE, "").strip():
        return 0, 0
    try:
        found = (folder / FILE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@dataclass
class Writer:
    """The store as it is open for writing, with the ways in."""

    store: Store
    intake: Intake


@dataclass
class Desk:
    """What the answers are made from.

    Attributes
    ----------
    twin : LiveTwin
    mapping : Path or None
        File that ties the names of devices to points.
    closing : Event
        Set when the server ends: its streams end then.
    """

    twin: LiveTwin
    mapping: Path | None = None
    closing: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _heavy: threading.Lock = field(default_factory=threading.Lock)
    _kept: tuple[float, int, dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        """Begin with no store open."""
        folder = self.twin.folder
        self._readers: queue.LifoQueue[_Held] = queue.LifoQueue()
        self._all = [_Held(folder, self.read) for _ in range(READERS)]
        for reader in self._all:
            self._readers.put(reader)
        self._writer = _Held(folder, self._open_writing, reads=False)
        self._intake: tuple[Store, Intake] | None = None
        # A mapping that makes no sense is told before anybody sends anything.
        points = {point.id: point.quantity for point in self.twin.model.points}
        self._names = (
            Mapping([])
            if self.mapping is None
            else read_mapping(self.mapping, points=points)
        )

    def read(self) -> Store:
        """Open the store for reading, in the caller's own thread."""
        return open_store(self.twin.folder, read_only=True)

    def ask(self, question: Callable[[Store], Answer]) -> Answer:
        """Return what a question to the store gives; from any thread."""
        reader = self._readers.get()
        try:
            return reader.ask(question)
        finally:
            self._readers.put(reader)

    def write(self, task: Callable[[Writer], Answer]) -> Answer:
        """Do something that writes, one after the other; from any thread."""

        def done(store: Store) -> Answer:
            if self._intake is None or self._intake[0] is not store:
                self._intake = store, Intake(self.twin.model, store, mapping=self._names)
            return task(Writer(store, self._intake[1]))

        return self._writer.ask(done)

    def _open_writing(self) -> Store:
        """Open the store for writing; what has changed of the things is kept."""
        store = open_store(self.twin.folder)
        try:
            keep_edition(self.twin.folder, store)
        except BaseException:
            store.close()
            raise
        return store

    @cached_property
    def by_id(self) -> dict[str, Point]:
        """The points of the model by id."""
        return {point.id: point for point in self.twin.model.points}

    @cached_property
    def _texts(self) -> LatestTexts:
        """What was written of the newest values."""
        return LatestTexts(Roll(self.twin.model))

    def latest(self, *, points: frozenset[str] | None = None) -> bytes:
        """Return the newest values with their freshness as JSON.

        Parameters
        ----------
        points : frozenset of str, optional
            Which; default all of the model.
        """

        def asked(store: Store) -> tuple[int, int, str, list[Kept]]:
            with store.snapshot():
                label = label_of(store.sources())
                return moment_of(store, now()), store.sequence, label, store.latest()

        at, sequence, label, rows = self.ask(asked)
        head = encoded({"at": text(at), "label": label, "sequence": sequence})
        begin = head[:-1] + b',"points":['
        return self._texts.rows(rows, at=at, points=points, begin=begin, tail=b"]}")

    def look_back(self, *, at: int | None, known_at: int | None) -> AsOf:
        """Return the district as it was, as it was known."""
        return self.ask(
            lambda store: look_back(self.twin, store, now=now(), at=at, known_at=known_at)
        )

    def state(self, moment: int | None = None, known_at: int | None = None) -> LiveState:
        """Look at the district."""
        return self.ask(
            lambda store: look_known(
                self.twin, store, now=now(), moment=moment, known_at=known_at
            )
        )

    def status(
        self, moment: int | None = None, known_at: int | None = None
    ) -> dict[str, Any]:
        """Return the state in plain values; many who ask for the present cost one look."""

        def asked(store: Store) -> dict[str, Any]:
            return state_record(
                self.twin, store, now=now(), moment=moment, known_at=known_at
            )

        if moment is not None or known_at is not None:
            return self.ask(asked)
        with self._lock:
            sequence = self.ask(lambda store: store.sequence)
            kept = self._kept
            if kept and kept[1] == sequence and clock.monotonic() - kept[0] < REUSED:
                return kept[2]
            record = self.ask(asked)
            self._kept = clock.monotonic(), record["sequence"], record
            return record

    def built(self) -> "Built":
        """Return the whole lit twin; it takes seconds the first time."""
        with self._heavy:
            return self._built

    def collections(self) -> "dict[str, Collection]":
        """Return the features of the district; read once."""
        with self._heavy:
            return self._collections

    @cached_property
    def sizes(self) -> "dict[str, Size]":
        """How large the systems on surfaces are."""
        from twin.expected_sizes import sizes_on

        return dict(sizes_on(self.twin.folder, self.twin.model))

    @cached_property
    def _built(self) -> "Built":
        """The lit twin."""
        from twin.reopen import open_twin

        return open_twin(self.twin.folder)

    @cached_property
    def _collections(self) -> "dict[str, Collection]":
        """The features."""
        from twin.features import read_collections

        return read_collections(self.twin.folder)

    def close(self) -> None:
        """Let go of all stores."""
        for held in (*self._all, self._writer):
            held.close()
