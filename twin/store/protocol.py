"""Say what every store of observations can do, whatever it is made of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from twin.store.records import Edition, Kept, Observation, Quarantined, Receipt, Refused

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("point", "time", "value", "source", "quality", "version")
"""Columns of tables of observations: text, int64, float64, text, int32, int64. A table that
is read has ``sequence``, ``known`` and ``revision`` besides, all int64."""

BUCKETS = ("point", "start", "count", "mean", "low", "high", "last")
"""Columns of resampled tables: text, int64, int64, then float64."""


class Store(Protocol):
    """Observations of one twin: append-only, known twice over in time.

    A statement is never changed or lost: another one supersedes it. All times are whole
    microseconds since 1970, UTC. ``known_at`` asks what was known at a time; the default
    is what is known now. An instance belongs to the thread that made it; as many may be
    open as one likes, one of them writes at a time.

    Raises
    ------
    SourceError
        By any method, if what is kept is damaged, newer than this program, or foreign.
    OutputError
        By any method, if it is locked, cannot be reached or written, or the disk is full;
        then nothing of the batch is kept.
    """

    # -- writing ---------------------------------------------------------------------

    def append(
        self,
        batch: Iterable[Observation],
        *,
        refused: Sequence[Refused] = (),
        known: int | None = None,
    ) -> Receipt:
        """Add a batch as a whole; when this returns, it is on the disk.

        Statements that came before have no effect. ``known`` is when the batch was
        learned, default now; it never runs backwards.
        """
        ...

    def load(self, table: "pa.Table", *, known: int | None = None) -> Receipt:
        """Add a long table with `COLUMNS` as a whole, to the same effect as `append`.

        ``quality`` and ``version`` may be left away.
        """
        ...

    def release(self, numbers: Iterable[int], *, known: int | None = None) -> int:
        """Mark rows of the quarantine as fed again; return how many were waiting."""
        ...

    def add_edition(self, edition: Edition, *, known: int | None = None) -> bool:
        """Keep the things of the district from a time on; False if they are the same."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Keep other writers out; what is appended within is on the disk at the end."""
        ...

    # -- reading ---------------------------------------------------------------------

    def latest(
        self,
        *,
        points: Sequence[str] | None = None,
        until: int | None = None,
        known_at: int | None = None,
    ) -> list[Kept]:
        """Return the newest value of each point, by the time it is of, not by arrival.

        ``until`` is the last time that counts. Gaps do not count: the value before stands.
        """
        ...

    def between(
        self,
        start: int,
        end: int,
        *,
        points: Sequence[str] | None = None,
        count: int = -1,
        known_at: int | None = None,
    ) -> list[Kept]:
        """Return what is known of ``start <= time < end``, gaps included.

        By point, in the order given or of first arrival, then by time; ``count`` values
        of each point at most, below 0 all.
        """
        ...

    def table(
        self,
        start: int,
        end: int,
        *,
        points: Sequence[str] | None = None,
        known_at: int | None = None,
    ) -> "pa.Table":
        """Return the same as `between` as an Arrow table with `COLUMNS` and more."""
        ...

    def resample(
        self,
        start: int,
        end: int,
        step: int,
        *,
        points: Sequence[str],
        known_at: int | None = None,
    ) -> "pa.Table":
        """Sum up values in steps from ``start`` on, as a table with `BUCKETS`.

        Steps without a value have no row; gaps are not counted. By point, then start.
        """
        ...

    def coverage(self, start: int, end: int) -> dict[str, tuple[int, int]]:
        """Count, by point, the times that were heard of and those with a value."""
        ...

    def since(self, sequence: int, *, count: int = 10_000) -> list[Kept]:
        """Return what arrived after a number, in order of arrival."""
        ...

    def history(self, point: str, time: int) -> list[Kept]:
        """Return every statement ever made of a point and time, in order of arrival."""
        ...

    def editions(self) -> list[Edition]:
        """Return all editions of the district's things, in order of arrival."""
        ...

    def edition(
        self, *, at: int | None = None, known_at: int | None = None
    ) -> Edition | None:
        """Return the edition that was valid at a time, as was known at another."""
        ...

    def quarantine(
        self, *, count: int = 100, reason: str | None = None, waiting: bool = False
    ) -> list[Quarantined]:
        """Return refused rows, the newest first; ``number`` is the store's own."""
        ...

    def refusals(self) -> Mapping[str, int]:
        """Return how many rows were refused for each reason, repeats included."""
        ...

    def sources(self) -> tuple[str, ...]:
        """Return where values came from, in the order of first arrival."""
        ...

    def revisions(self) -> int:
        """Return how many statements were added to a point and time that had one."""
        ...

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last time of all, None while there is none."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """See the store as it is now in all queries within, whatever is written."""
        ...

    @property
    def sequence(self) -> int:
        """Last number of the store, 0 while it is empty."""
        ...

    # -- care ------------------------------------------------------------------------

    def compact(self) -> int:
        """Move what came in to where it is read fast; return how many rows moved."""
        ...

    def rebuild(self) -> None:
        """Make everything again that follows from the statements themselves."""
        ...

    def retire(self, before: int) -> int:
        """Forget statements of times before; return how many. The only way to lose any."""
        ...

    def export(self, folder: Path) -> None:
        """Write everything as open files that `restore` of any store reads."""
        ...

    def restore(self, folder: Path) -> Receipt:
        """Read what `export` wrote into an empty store: numbers and times as they were."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...

    def __enter__(self) -> Self:
        """Return the open store."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        ...


def microbatches(
    rows: Iterable[Observation], *, size: int = 1000
) -> Iterator[list[Observation]]:
    """Cut a stream of observations into batches that are stored as a whole.

    Examples
    --------
    >>> rows = [Observation("p", time, 1.0, "meter") for time in range(5)]
    >>> [len(batch) for batch in microbatches(rows, size=2)]
    [2, 2, 1]
    """
    batch: list[Observation] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
