"""Say what the live state asks of a store of values."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from twin.store.records import Kept

if TYPE_CHECKING:
    import pyarrow as pa


class LiveLog(Protocol):
    """What is known of values at one time: any store now, or a store as it was known.

    Methods do what those of `twin.store.protocol.Store` with the same names do.
    """

    def snapshot(self) -> AbstractContextManager[None]:
        """See one state in all queries within."""
        ...

    def latest(
        self, *, points: Sequence[str] | None = None, until: int | None = None
    ) -> list[Kept]:
        """Return the newest value of each point."""
        ...

    def between(
        self, start: int, end: int, *, points: Sequence[str] | None = None, count: int = -1
    ) -> list[Kept]:
        """Return what is known of a time."""
        ...

    def resample(
        self, start: int, end: int, step: int, *, points: Sequence[str]
    ) -> "pa.Table":
        """Sum up values in steps."""
        ...

    def coverage(self, start: int, end: int) -> dict[str, tuple[int, int]]:
        """Count, by point, the times that were heard of and those with a value."""
        ...

    def refusals(self) -> Mapping[str, int]:
        """Count what was refused, by reason."""
        ...

    def sources(self) -> tuple[str, ...]:
        """Return where values came from."""
        ...

    def revisions(self) -> int:
        """Return how many statements superseded others."""
        ...

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last time."""
        ...

    @property
    def sequence(self) -> int:
        """Last number."""
        ...
