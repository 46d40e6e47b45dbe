"""Find what is known already of points and times."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from twin.store.columns import Columns, IntArray, key_order, starts_of
from twin.store.postgres_batch import NOTHING, Batch, Held, joined
from twin.store.postgres_link import Link
from twin.store.postgres_packing import (
    checked_head,
    lines_of,
    numbers_at,
    unpack_numbers,
)
from twin.store.postgres_packs import listed
from twin.store.postgres_pieces import Asked, gathered, read, spread
from twin.store.postgres_schema import FOREVER
from twin.store.postgres_wire import bigints, integers

_PACKED = ("time", "value", "source", "quality", "version", "sequence", "revision")
_RECENT = tuple(name for name in _PACKED if name != "time")

MANY = 20_000
"""Statements from which on whole packs are compared instead of single times."""

ROOM = 128_000_000
"""Bytes of packs that are remembered at most."""


@dataclass(frozen=True)
class Remembered:
    """A pack as it came.

    Attributes
    ----------
    heads : bytes
        Headers of its columns.
    columns : tuple of bytes
    times : (n,) int or None
        Where they do not lie on a line.
    """

    heads: bytes
    columns: tuple[bytes, ...]
    times: IntArray | None

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        held = 0 if self.times is None else self.times.nbytes
        return held + sum(map(len, self.columns))


class Recall:
    """Packs that were looked into, as the next batch often asks for the same ones.

    A pack never changes, and while a connection lasts its number is not given again, so
    that what is remembered stays right; whether it is still there is asked each time. After
    a crash of the server, or in a database that was put back, numbers are given again.
    """

    def __init__(self) -> None:
        self._renewals = -1
        self._packs: OrderedDict[int, Remembered] = OrderedDict()
        self._room = ROOM

    def held(self, link: Link, batch: Batch, *, settled: int | None) -> Held:
        """Return all statements of the points and times of a batch, or more.

        Parameters
        ----------
        link : Link
            In a transaction that keeps other writers out.
        batch : Batch
        settled : int or None
            Last time in the history.

        Returns
        -------
        Held
        """
        if self._renewals != link.renewals:
            self._renewals = link.renewals
            self._packs.clear()
            self._room = ROOM
        if not len(batch):
            return NOTHING
        if len(batch) >= MANY:
            asked = Asked(
                int(batch.time.min()),
                int(batch.time.max()) + 1,
                np.unique(batch.point),
                every=True,
            )
            found = read(link, asked, ())
            return joined([Held(**{f.name: found[f.name] for f in fields(Held)})])
        order = key_order(batch.point, batch.time)
        batch = batch if order is None else batch.part(order)
        # What is asked for twice would be found twice.
        batch = batch.part(starts_of(batch.point, batch.time))
        parts = [self._recent(link, batch)]
        if settled is not None:
            parts.append(self._sealed(link, batch.part(batch.time <= settled)))
        return _judged(joined([part for part in parts if len(part)] or [NOTHING]))

    def _recent(self, link: Link, batch: Batch) -> Held:
        """Return what is known in recent rows."""
        # Key by key, whatever the server believes to be in the table.
        result = link.arrays(
            f"SELECT array_send(array_agg(k.place)), {gathered(_RECENT)} FROM "
            "unnest(%s::integer[], %s::bigint[]) WITH ORDINALITY k(point, time, place) "
            "CROSS JOIN LATERAL (SELECT * FROM recent r WHERE r.point = k.point "
            "AND r.time = k.time OFFSET 0) s",
            (integers(batch.point), bigints(batch.time)),
        )
        places = spread(result, 0, ("sequence",))["sequence"] - 1
        return _held(batch, places, spread(result, 0, _RECENT, 1))

    def _sealed(self, link: Link, batch: Batch) -> Held:
        """Return what is known in packs."""
        if not len(batch):
            return NOTHING
        result = link.arrays(
            "SELECT array_send(array_agg(k.place)), array_send(array_agg(h.number)) FROM "
            "unnest(%s::integer[], %s::bigint[]) WITH ORDINALITY k(point, time, place) "
            "CROSS JOIN LATERAL (SELECT number FROM history WHERE point = k.point "
            "AND first <= k.time AND last >= k.time OFFSET 0) h",
            (integers(batch.point), bigints(batch.time)),
        )
        found = spread(result, 0, ("sequence", "known"))
        places, numbers = found["sequence"] - 1, found["known"].tolist()
        if not numbers:
            return NOTHING
        self._learn(link, numbers)
        packs = [self._packs[number] for number in numbers]
        lines = lines_of(b"".join([pack.heads for pack in packs]))
        lines = lines.reshape(len(packs), len(_PACKED))
        low, high = _found(packs, lines[:, 0], batch.time[places])
        counts = high - low
        of_pack = np.repeat(np.arange(len(packs)), counts)
        rows = np.arange(len(of_pack)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows += low[of_pack]
        some = [packs[k].columns for k in of_pack.tolist()]
        columns: Columns = {
            name: numbers_at(lines[of_pack, k], [data[k] for data in some], rows)
            for k, name in enumerate(_PACKED)
            if name != "time"
        }
        return _held(batch, places[of_pack], columns)

    def _learn(self, link: Link, numbers: Sequence[int]) -> None:
        """Fetch packs that are not remembered, and forget those asked for long ago."""
        wanted = dict.fromkeys(numbers)
        new = [number for number in wanted if number not in self._packs]
        if new:
            result = link.arrays(
                f"SELECT h.number, {listed(_PACKED, 'h')} FROM history h "
                "WHERE h.number = ANY(%s::bigint[])",
                (bigints(new),),
            )
            for row in range(result.ntuples):
                number = int.from_bytes(result.get_value(row, 0) or b"")
                parts = [
                    result.get_value(row, k) or b"" for k in range(1, 1 + len(_PACKED))
                ]
                self._packs[number] = pack = _remembered(parts)
                self._room -= pack.size
        for number in wanted:
            self._packs.move_to_end(number)
        while self._room < 0 and len(self._packs) > len(wanted):
            _, pack = self._packs.popitem(last=False)
            self._room += pack.size


def _remembered(columns: Sequence[bytes]) -> Remembered:
    """Return the columns of a pack, checked."""
    heads = b"".join([checked_head(data) for data in columns])
    regular = lines_of(heads)[0]["width"] == 0
    times = None if regular else unpack_numbers(columns[0])
    return Remembered(heads, tuple(columns), times)


def _found(
    packs: Sequence[Remembered], lines: np.ndarray, times: IntArray
) -> tuple[IntArray, IntArray]:
    """Return from where to where times stand, each in a pack."""
    start, step = lines["start"], lines["step"]
    place = (times - start) // np.where(step, step, 1)
    hit = (start + step * place == times) & (place >= 0) & (place < lines["count"])
    # Many statements of one time have no step.
    low = np.where(step, place, 0)
    high = np.where(hit, np.where(step, place + 1, lines["count"]), low)
    for k in np.flatnonzero(lines["width"]).tolist():
        column = packs[k].times
        assert column is not None
        low[k] = column.searchsorted(times[k])
        high[k] = column.searchsorted(times[k], "right")
    return low, high


def _held(batch: Batch, places: IntArray, columns: Columns) -> Held:
    """Return statements of keys of a batch, of which it is not known yet which stand."""
    return Held(
        point=batch.point[places],
        time=batch.time[places],
        stops=np.full(len(places), FOREVER),
        **columns,
    )


def _judged(held: Held) -> Held:
    """Return statements, all there are of their keys, with what stands no more.

    Until when it stood does not matter here. So need not be looked up what follows: the
    highest version stands, of equal ones the last to arrive.
    """
    order = np.lexsort((held.sequence, held.version, held.time, held.point))
    point, time = held.point[order], held.time[order]
    beaten = (point[1:] == point[:-1]) & (time[1:] == time[:-1])
    if not beaten.any():
        return held
    stops = held.stops.copy()
    stops[order[:-1][beaten]] = 0
    return replace(held, stops=stops)
