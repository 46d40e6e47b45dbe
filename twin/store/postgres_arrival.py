"""Read statements in the order in which they arrived."""

from collections.abc import Iterator

import numpy as np

from twin.store.columns import KINDS, Columns, taken
from twin.store.postgres_link import Link
from twin.store.postgres_packs import STATEMENT, listed, unpacked
from twin.store.postgres_pieces import gathered, spread

AHEAD = 1_000_000
"""Numbers of statements that are read at a time where they lie in packs: a pack holds a
month of arrivals of its point, of which a few would be asked for again and again."""


class Arrival:
    """Statements by number, some of them read ahead."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._at = (-1, -1)
        self._after, self._end = 0, 0
        self._ahead: Columns = {}

    def since(self, sequence: int, *, count: int) -> Columns:
        """Return up to a count of statements with higher numbers, in a snapshot."""
        row = self._link.run(
            "SELECT turns, sequence, (SELECT coalesce(max(high), 0) FROM history) FROM head"
        ).fetchone()
        assert row is not None
        turns, last, sealed = row
        if (self._link.renewals, turns) != self._at:
            # What was retired must not be told any more.
            self._at, self._after, self._end = (self._link.renewals, turns), 0, 0
        found: list[Columns] = []
        size, reach = 0, max(count, 1)
        # Numbers have no holes but where statements were retired: a window of as many
        # numbers as rows are wanted reads little, and grows where it found nothing.
        while size < count and sequence < last:
            if sequence < sealed:
                some, end = self._sealed(sequence, min(sealed, last))
            else:
                end = min(sequence + reach, last)
                some = arrived(self._link, sequence, end)
                reach *= 1 if len(some["time"]) else 8
            some = {name: column[: count - size] for name, column in some.items()}
            found.append(some)
            size += len(some["time"])
            sequence = end
        return {
            name: np.concatenate(
                [np.empty(0, KINDS[name]), *(columns[name] for columns in found)]
            )
            for name in STATEMENT
        }

    def _sealed(self, after: int, last: int) -> tuple[Columns, int]:
        """Return what is known of numbers after one, read ahead, and up to which."""
        if not self._after <= after < self._end:
            end = min(after + AHEAD, last)
            self._ahead = arrived(self._link, after, end)
            self._after, self._end = after, end
        begin = int(np.searchsorted(self._ahead["sequence"], after, "right"))
        return {name: column[begin:] for name, column in self._ahead.items()}, self._end


def arrivals(link: Link, *, last: int, size: int = AHEAD) -> Iterator[Columns]:
    """Give all statements in order of arrival, in a snapshot."""
    for after in range(0, last, size):
        yield arrived(link, after, min(after + size, last))


def arrived(link: Link, after: int, end: int) -> Columns:
    """Return statements with numbers ``after < sequence <= end`` by number."""
    names = tuple(name for name in STATEMENT if name != "point")
    result = link.arrays(
        f"SELECT 0, h.point, {listed(names, 'h')}, NULL::bytea FROM history h "
        "WHERE h.high > %(after)s AND h.low <= %(end)s "
        f"UNION ALL SELECT 1, 0, {gathered((*names, 'point'))} FROM recent s "
        "WHERE s.sequence > %(after)s AND s.sequence <= %(end)s HAVING count(*) > 0",
        {"after": after, "end": end},
    )
    found: list[Columns] = []
    for row in range(result.ntuples):
        kind, point = (int.from_bytes(result.get_value(row, k) or b"") for k in range(2))
        if kind:
            found.append(spread(result, row, (*names, "point"), 2))
            continue
        parts = {name: result.get_value(row, k) or b"" for k, name in enumerate(names, 2)}
        number = unpacked({"sequence": parts["sequence"]})["sequence"]
        due = (number > after) & (number <= end)
        if due.any():
            columns = taken(unpacked(parts), due)
            found.append(columns | {"point": np.full(len(columns["time"]), point)})
    columns = {
        name: np.concatenate([np.empty(0, KINDS[name]), *(one[name] for one in found)])
        for name in STATEMENT
    }
    return taken(columns, np.argsort(columns["sequence"], kind="stable"))
