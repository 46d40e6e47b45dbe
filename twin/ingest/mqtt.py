"""Take observations from a broker, acknowledge them once they are on the disk.

One thread holds the connection, another one has the store: it gathers what has come, stores
it as one batch, and only then are the messages acknowledged, in the order in which they
came. While the store cannot be written nothing is acknowledged and the broker keeps what we
do not take.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from gis.errors import HeidiError, OutputError, SourceError
from twin import things
from twin.ingest.mqtt_address import Broker, check_topics, client_of
from twin.ingest.mqtt_counts import Counts, read_counts, stamped, write_counts
from twin.ingest.mqtt_keeper import FolderKeeper, Keeper
from twin.ingest.mqtt_link import PATIENCE, Delivery, Link
from twin.store.records import Receipt

MOST, LONGEST = 1000, 0.1
"""Messages of a batch at most, and seconds that the first of them waits at most."""

BATCH_BYTES = 4 * 1024 * 1024
"""Bytes of a batch after which it takes no further message."""

QUIET = 0.005
"""Seconds without a message after which a batch is stored as it is. A broker sends a few
messages (Mosquitto: 20) and waits for their acknowledgement: who waited for more of them
would wait in vain."""

ROOM, ROOM_BYTES = 20_000, 64 * 1024 * 1024
"""Messages, and bytes in them, that wait for the store before no more are read."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before the store is tried again; each wait doubles."""

LOOK = 2.0
"""Seconds after which it is looked whether the model or the mapping have changed, and
after which the counts are written."""

GRACE = 10.0
"""Seconds that the batch in hand may take when all is stopped."""


@dataclass(frozen=True)
class Settings:
    """What to listen to.

    Attributes
    ----------
    broker : Broker
    topics : tuple of str
        Filters such as ``hid/v1/#``.
    share : str
        Group that shares the messages, "" for none: each message goes to one of the group.
    client : str
        Name that the broker keeps our session under, "": one of the folder's own.
    mapping : Path or None
        Mapping file, None: names are points of the twin.
    """

    broker: Broker
    topics: tuple[str, ...]
    share: str = ""
    client: str = ""
    mapping: Path | None = None


class Listener:
    """Listens until it is stopped; made by `start_listening`.

    Parameters
    ----------
    settings : Settings
        What to listen to; its client must be named.
    keeper : callable
        Opens the store and what belongs to it. Called in the thread that uses it, and
        again after a fault.
    changed : callable
        Says whether the keeper should be opened again, for the sake of its model.
    tell : callable
        Told in one line of what happens, from several threads.
    report : callable
        Given the counts now and then.
    dropped : sequence of str
        What an earlier listener of this name subscribed to; the broker would go on sending
        it.
    """

    def __init__(
        self,
        settings: Settings,
        keeper: Callable[[], Keeper],
        *,
        changed: Callable[[], bool] = lambda: False,
        tell: Callable[[str], None] = lambda _: None,
        report: Callable[[Counts], None] = lambda _: None,
        dropped: Sequence[str] = (),
    ) -> None:
        topics = check_topics(settings.topics, settings.share)
        self._keeper, self._changed = keeper, changed
        self._tell, self._report = tell, report
        self._held: Keeper | None = None
        self._waiting: deque[Delivery] = deque()
        self._bytes = 0
        self._news = threading.Condition()
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._fault: HeidiError | None = None
        self._taken = self._stored = 0
        self._looked = 0.0
        self._counts = Counts(
            settings.broker.address,
            settings.client,
            topics,
            started=time.time_ns() // 1000,
        )
        self._link = Link(
            settings.broker,
            topics,
            client=settings.client,
            dropped=dropped,
            deliver=self._accept,
            room=self._room,
            tell=tell,
        )
        name = f"listen to {settings.broker.address}"
        self._threads = (
            threading.Thread(target=self._store, name=f"{name}: store", daemon=True),
            threading.Thread(target=self._hear, name=f"{name}: broker", daemon=True),
        )
        self._patient = False

    def start(self, *, patient: bool = False) -> None:
        """Open the store and connect.

        Parameters
        ----------
        patient : bool
            Whether to start without a broker, and to go on looking for it.

        Raises
        ------
        SourceError, OutputError, TableError
            If the store, the model, the mapping or the broker cannot be had.
        """
        self._patient = patient
        store, hear = self._threads
        store.start()
        self._ready.wait()
        if self._fault is not None:
            store.join()
            self._link.release()
            raise self._fault
        hear.start()
        # A refusal may follow the greeting, and that the handshake.
        if not patient and not self._link.settled.wait(3 * PATIENCE):
            self.stop()
            message = f"{self._link.broker.address} must answer; is the broker running?"
            raise SourceError(message)
        if self._link.failure is not None:
            self.stop()
            raise self._link.failure

    def stop(self) -> Counts:
        """Store what is in hand, acknowledge it, and end; the broker keeps the rest.

        A second time it only tells the counts again.
        """
        if self._stopping.is_set():
            return stamped(self.counts(), ended=True)
        self._stopping.set()
        with self._news:
            self._news.notify()
        store, hear = self._threads
        store.join(GRACE)
        self._link.close()
        if hear.ident is not None:
            hear.join(2 * GRACE)
        if not hear.is_alive():
            self._link.release()
        counts = stamped(self.counts(), ended=True)
        self._report(counts)
        return counts

    def alive(self) -> bool:
        """Say whether it goes on by itself; without being stopped it never ends."""
        return all(thread.is_alive() for thread in self._threads)

    def counts(self) -> Counts:
        """Return how it is doing."""
        link = self._link
        error = self._counts.failing or link.error or self._counts.error
        return replace(
            self._counts,
            connected=link.connected,
            received=link.received,
            acknowledged=link.acknowledged,
            behind=len(self._waiting) + self._in_hand(),
            reconnects=link.reconnects,
            forgotten=link.forgotten,
            heard=link.heard,
            error=error,
            written=time.time_ns() // 1000,
        )

    # -- in the thread of the connection ---------------------------------------------

    def _hear(self) -> None:
        """Hold the connection."""
        self._link.run(patient=self._patient)

    def _accept(self, delivery: Delivery) -> None:
        """Put a message in line."""
        with self._news:
            self._waiting.append(delivery)
            self._bytes += len(delivery.body)
            self._news.notify()

    def _room(self) -> bool:
        """Say whether another message may come."""
        return len(self._waiting) < ROOM and self._bytes < ROOM_BYTES

    # -- in the thread of the store --------------------------------------------------

    def _store(self) -> None:
        """Store batch after batch."""
        with ExitStack() as stack:
            stack.callback(self._close)
            stack.callback(self._ready.set)
            try:
                self._held = self._keeper()
            except HeidiError as error:
                self._fault = error
                return
            self._ready.set()
            while batch := self._gather():
                receipts = self._keep(batch)
                if receipts is None:
                    return
                self._count(receipts, len(batch))
                self._link.acknowledge(batch)

    def _gather(self) -> list[Delivery]:
        """Wait for messages and return a batch of them; empty when all is to end."""
        while not self._waiting:
            self._look_around()
            with self._news:
                if not self._waiting and not self._stopping.is_set():
                    self._news.wait(0.5)
            if self._stopping.is_set() and not self._waiting:
                return []
        last = time.monotonic() + LONGEST
        with self._news:
            while len(self._waiting) < MOST and not self._stopping.is_set():
                before = len(self._waiting)
                self._news.wait_for(lambda: len(self._waiting) >= MOST, QUIET)
                if len(self._waiting) == before or time.monotonic() > last:
                    break
            batch: list[Delivery] = []
            size = 0
            while self._waiting and len(batch) < MOST and size < BATCH_BYTES:
                batch.append(self._waiting.popleft())
                size += len(batch[-1].body)
            self._bytes -= size
        self._taken += len(batch)
        return batch

    def _keep(self, batch: Sequence[Delivery]) -> list[Receipt] | None:
        """Store a batch, however long it takes; None if all is to end before that."""
        wait = FIRST_WAIT
        while True:
            self._look_around()
            try:
                if self._held is None:
                    self._held = self._keeper()
                receipts = self._held.keep(batch)
            except HeidiError as error:
                self._close()
                self._fail(error)
                if self._stopping.wait(wait):
                    return None
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                self._recover()
                return receipts

    def _look_around(self) -> None:
        """Now and then tell the counts, and see whether the model has changed."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        self._report(self.counts())
        if self._held is None or not self._changed():
            return
        before, self._held = self._held, None
        try:
            self._held = self._keeper()
        except HeidiError as error:
            # Half a file, perhaps: the one before holds until the next is whole.
            self._held = before
            self._counts = replace(self._counts, error=_line(error))
            self._tell(f"{_line(error)}; going on with what was read before")
        else:
            before.close()
            self._tell("the model or the mapping has changed and was read again")

    def _fail(self, error: HeidiError) -> None:
        """Keep and tell, once, what keeps the store from being written."""
        line = _line(error)
        if line != self._counts.failing:
            self._tell(f"not stored, so not acknowledged, and tried again: {line}")
        self._counts = replace(self._counts, failing=line, error=line)
        self._report(self.counts())

    def _recover(self) -> None:
        """Tell that the store can be written again."""
        if self._counts.failing:
            self._counts = replace(self._counts, failing="")
            self._tell("observations are stored again")

    def _count(self, receipts: Sequence[Receipt], messages: int) -> None:
        """Count what was stored."""
        counts = self._counts
        for receipt in receipts:
            counts = replace(
                counts,
                new=counts.new + receipt.new,
                repeated=counts.repeated + receipt.repeated,
                revised=counts.revised + receipt.revised,
                refused=counts.refused + receipt.refused,
            )
        self._counts = counts
        self._stored += messages

    def _in_hand(self) -> int:
        """Return how many messages are being stored."""
        return max(0, self._taken - self._stored)

    def _close(self) -> None:
        """Let go of the store."""
        held, self._held = self._held, None
        if held is not None:
            held.close()


def start_listening(
    folder: Path,
    settings: Settings,
    *,
    patient: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Listener:
    """Listen to a broker for the twin of a folder, in threads of its own.

    Parameters
    ----------
    folder : Path
        Twin folder; its counts go to ``listening/`` in it.
    settings : Settings
        What to listen to.
    patient : bool
        Whether to start without a broker, and to go on looking for it.
    tell : callable
        Told in one line of what happens, from several threads.

    Returns
    -------
    Listener
        Running; to be stopped.

    Raises
    ------
    SourceError, OutputError, TableError
        If the store, the model, the mapping or the broker cannot be had.
    """
    if not folder.is_dir():
        message = f"{folder} must be a twin folder; make one: heidi demo"
        raise SourceError(message)
    watched = [folder / things.FILE, *([settings.mapping] if settings.mapping else [])]
    seen = _stamps(watched)

    def changed() -> bool:
        nonlocal seen
        before, seen = seen, _stamps(watched)
        return before != seen

    def report(counts: Counts) -> None:
        try:
            write_counts(folder, counts)
        except OutputError:
            # On a full disk the counts are the least of it.
            return

    named = replace(settings, client=settings.client or client_of(folder))
    dropped = [
        topic
        for before in read_counts(folder)
        if (before.client, before.broker) == (named.client, named.broker.address)
        for topic in before.topics
    ]
    listener = Listener(
        named,
        lambda: FolderKeeper(folder, settings.mapping, named.broker.address),
        changed=changed,
        tell=tell,
        report=report,
        dropped=dropped,
    )
    listener.start(patient=patient)
    return listener


def _stamps(paths: Sequence[Path]) -> list[tuple[int, int, int]]:
    """Return by what changes of files are seen."""
    stamps = []
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            stamps.append((0, 0, 0))
        else:
            stamps.append((found.st_mtime_ns, found.st_size, found.st_ino))
    return stamps


def _line(error: HeidiError) -> str:
    """Return an error as one line."""
    return " ".join(str(error).split())
