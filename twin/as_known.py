"""See a store as it was known at a time, through the questions of the live state."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from twin.live import LiveTwin
from twin.live_look import look
from twin.live_record import status_record, utc
from twin.live_state import LiveState
from twin.store.protocol import Store
from twin.store.records import Kept

if TYPE_CHECKING:
    import pyarrow as pa


class AsKnown:
    """A store as it was known at a time, for `twin.live_look.look`.

    What is refused is counted as it was first heard of by then; how often values were
    revised, and where they came from, are not known of the past and told as now.

    Parameters
    ----------
    store : Store
    known_at : int
        [microseconds since 1970, UTC]
    """

    def __init__(self, store: Store, known_at: int) -> None:
        self._store = store
        self._known_at = known_at

    def snapshot(self) -> AbstractContextManager[None]:
        """See one state in all queries within."""
        return self._store.snapshot()

    def latest(
        self, *, points: Sequence[str] | None = None, until: int | None = None
    ) -> list[Kept]:
        """Return the newest value of each point."""
        return self._store.latest(points=points, until=until, known_at=self._known_at)

    def between(
        self, start: int, end: int, *, points: Sequence[str] | None = None, count: int = -1
    ) -> list[Kept]:
        """Return what was known of a time."""
        return self._store.between(
            start, end, points=points, count=count, known_at=self._known_at
        )

    def table(
        self, start: int, end: int, *, points: Sequence[str] | None = None
    ) -> "pa.Table":
        """Return the same as `between` as an Arrow table."""
        return self._store.table(start, end, points=points, known_at=self._known_at)

    def resample(
        self, start: int, end: int, step: int, *, points: Sequence[str]
    ) -> "pa.Table":
        """Sum up values in steps."""
        return self._store.resample(
            start, end, step, points=points, known_at=self._known_at
        )

    def coverage(self, start: int, end: int) -> dict[str, tuple[int, int]]:
        """Count, by point, the times that were heard of and those with a value."""
        found: dict[str, tuple[int, int]] = {}
        for row in self.between(start, end):
            heard, told = found.get(row.point, (0, 0))
            found[row.point] = heard + 1, told + (row.value is not None)
        return found

    def refusals(self) -> Mapping[str, int]:
        """Return how many different rows had been refused for each reason."""
        counts: dict[str, int] = {}
        for row in self._store.quarantine(count=2**31 - 1):
            if row.first_known <= self._known_at:
                counts[row.reason] = counts.get(row.reason, 0) + 1
        return counts

    def sources(self) -> tuple[str, ...]:
        """Return where values came from."""
        return self._store.sources()

    def revisions(self) -> int:
        """Return how many statements were added to others, up to now."""
        return self._store.revisions()

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last time of all, as known now."""
        return self._store.span()

    @property
    def sequence(self) -> int:
        """Last number of the store."""
        return self._store.sequence


def look_known(
    twin: LiveTwin, store: Store, *, now: int, moment: int | None, known_at: int | None
) -> LiveState:
    """Return the state of every building at a moment, as known at another.

    Parameters
    ----------
    twin : LiveTwin
    store : Store
    now : int
        What the clock says [microseconds since 1970, UTC].
    moment : int or None
        Moment to look at; default: ``known_at``, else as `twin.live_look.look`.
    known_at : int or None
        As known when; None is now.
    """
    if known_at is None:
        return look(twin, store, now=now, moment=moment)
    when = known_at if moment is None else moment
    return look(twin, AsKnown(store, known_at), now=now, moment=when)


def state_record(
    twin: LiveTwin, store: Store, *, now: int, moment: int | None, known_at: int | None
) -> dict[str, Any]:
    """Return the same in plain values (`twin.live_record.status_record`)."""
    found = look_known(twin, store, now=now, moment=moment, known_at=known_at)
    record = status_record(found)
    if known_at is not None:
        record["as_of_words"] += f", as known at {utc(known_at)}"
    return record | {"known_at": None if known_at is None else utc(known_at)}
