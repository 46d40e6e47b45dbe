"""Read what stands, or stood, from recent rows and packs together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twin.store.columns import KINDS, BoolArray, Columns, IntArray, key_order, taken
from twin.store.postgres_link import Link
from twin.store.postgres_packs import listed, unpacked
from twin.store.postgres_schema import FOREVER
from twin.store.postgres_wire import Kind, from_array, integers

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

NOW = FOREVER - 1
"""Moment of knowledge at which every statement is known and only those that stand do."""

LEAST, MOST = -(2**63), 2**63 - 1
"""Times that stand for no bound."""

WIDE: dict[str, Kind] = {
    "point": np.int32,
    "time": np.int64,
    "value": np.float64,
    "source": np.int32,
    "quality": np.int32,
    "version": np.int64,
    "sequence": np.int64,
    "known": np.int64,
    "revision": np.int32,
    "stops": np.int64,
}
"""Columns of statements as they lie in tables of rows."""

JUDGED = ("sequence", "known", "stops")
"""Columns that tell whether a statement stands."""

EVERYTHING = tuple(WIDE)


@dataclass(frozen=True)
class Asked:
    """A question.

    Attributes
    ----------
    start, end : int
        ``start <= time < end``.
    points : sequence of int, optional
        Numbers, in the order wanted; default all, by number.
    known_at : int
        As known when; default now.
    every : bool
        All statements, not only what stands.
    """

    start: int = LEAST
    end: int = MOST
    points: Sequence[int] | IntArray | None = None
    known_at: int = NOW
    every: bool = False


@dataclass(frozen=True)
class Pieces:
    """What the server answered, still in pieces.

    Attributes
    ----------
    sure, doubtful : list of Columns
        Statements of a pack each, with ``point`` as a number: those that all stand, and
        those to be looked at.
    recent : Columns
        Recent rows.
    over : tuple of (n,) int
        Sequence of statements that were superseded since, rising, and when.
    """

    sure: list[tuple[int, Columns]]
    doubtful: list[tuple[int, Columns]]
    recent: Columns | None
    over: tuple[IntArray, IntArray]


def gathered(names: Iterable[str], *, table: str = "s") -> str:
    """Return what makes each column one array in binary form: faster to carry than rows.

    NULL becomes NaN in ``value``, so that all elements have one size.
    """
    told = (
        f"coalesce({table}.{name}, 'NaN')" if name == "value" else f"{table}.{name}"
        for name in names
    )
    return ", ".join(f"array_send(array_agg({column}))" for column in told)


def spread(result: "PGresult", row: int, names: Iterable[str], first: int = 0) -> Columns:
    """Return arrays that `gathered` made as columns."""
    columns: Columns = {}
    for place, name in enumerate(names, first):
        data = result.get_value(row, place)
        kind = KINDS.get(name, np.int64)
        columns[name] = (
            np.empty(0, kind) if data is None else from_array(data, WIDE[name], kind)
        )
    return columns


def read(link: Link, asked: Asked, names: Iterable[str]) -> Columns:
    """Return statements by point, then time.

    Parameters
    ----------
    link : Link
    asked : Asked
    names : iterable of str
        Columns of `WIDE` to read; with ``every`` all of them are.

    Returns
    -------
    Columns
        With ``time``, ``point`` and ``group``, the place of each row's point among those
        asked for, or its number.
    """
    if asked.every:
        names = EVERYTHING
    needed = list(dict.fromkeys(["time", *(name for name in names if name != "point")]))
    if asked.points is not None and not len(asked.points):
        nothing: Columns = {name: np.empty(0, KINDS.get(name, np.int64)) for name in needed}
        return nothing | {name: np.empty(0, np.int64) for name in ("point", "group")}
    pieces = fetch(link, asked, needed)
    found = [(point, _cut(columns, asked)) for point, columns in pieces.sure]
    for point, columns in pieces.doubtful:
        cut = _cut(columns, asked)
        found.append((point, _standing(cut, pieces.over, asked)))
    columns = _assembled(found, needed)
    if pieces.recent is not None:
        rows = _standing(pieces.recent, pieces.over, asked)
        columns = {
            name: np.concatenate([column, rows[name]]) for name, column in columns.items()
        }
    group = columns["point"]
    if asked.points is not None:
        group = _places(asked.points)[group]
    columns["group"] = group
    if asked.every:
        order: IntArray | None = np.lexsort((columns["sequence"], columns["time"], group))
    else:
        order = key_order(group, columns["time"])
    return columns if order is None else taken(columns, order)


def fetch(link: Link, asked: Asked, needed: Sequence[str]) -> Pieces:
    """Fetch all that may answer a question, in one query.

    Notes
    -----
    One query, as a compaction may go on between two. Of most packs it is known beforehand
    that all they hold stands; only of others the columns are sent that tell.
    """
    wide = list(dict.fromkeys([*needed, *JUDGED]))
    result = link.arrays(_query(asked, needed, wide), _values(asked))
    sure: list[tuple[int, Columns]] = []
    doubtful: list[tuple[int, Columns]] = []
    recent: Columns | None = None
    over = np.empty(0, np.int64), np.empty(0, np.int64)
    for row in range(result.ntuples):
        kind, point, doubt = (
            int.from_bytes(result.get_value(row, place) or b"") for place in range(3)
        )
        if kind == 0:
            parts = {name: result.get_value(row, k) for k, name in enumerate(wide, 3)}
            columns = unpacked({n: data for n, data in parts.items() if data is not None})
            (doubtful if doubt else sure).append((point, columns))
        elif kind == 1:
            recent = spread(result, row, (*wide, "point"), 3)
            recent["stops"] = np.full(len(recent["time"]), FOREVER)
        else:
            ends = spread(result, row, wide, 3)
            order = np.argsort(ends["sequence"])
            over = ends["sequence"][order], ends["stops"][order]
    return Pieces(sure, doubtful, recent, over)


def ended(columns: Columns, over: tuple[IntArray, IntArray]) -> Columns:
    """Return statements with the ends of those that were superseded since."""
    numbers, stops = over
    if not len(numbers) or not len(columns["sequence"]):
        return columns
    at = np.searchsorted(numbers, columns["sequence"])
    at[at == len(numbers)] = 0
    hit = numbers[at] == columns["sequence"]
    return columns | {"stops": np.where(hit, stops[at], columns["stops"])}


def _query(asked: Asked, needed: Sequence[str], wide: Sequence[str]) -> str:
    """Return the query for a question: packs, recent rows, and what was superseded."""
    extra = [name for name in wide if name not in needed]
    of_packs = [listed(needed, "h")]
    of_packs += [f"CASE WHEN d.doubt THEN {listed([name], 'h')} END" for name in extra]
    # The server has no columns for a row that nothing supersedes.
    of_rows = ["NULL::bytea" if n == "stops" else gathered([n]) for n in wide]
    of_ends = [gathered([n]) if n in ("sequence", "stops") else "NULL" for n in wide]
    every = asked.points is None
    who = "" if every else "unnest(%(points)s::integer[]) w(point) CROSS JOIN LATERAL "
    mine = "" if every else "point = w.point AND "
    # The planner would not always go point by point, whatever the tables hold.
    during = f"WHERE {mine}time >= %(start)s AND time < %(end)s OFFSET 0"
    return f"""
        SELECT 0, h.point, d.doubt::integer, {", ".join(of_packs)}, NULL::bytea
        FROM {who}(SELECT * FROM history
                   WHERE {mine}first < %(end)s AND last >= %(start)s OFFSET 0) h
        CROSS JOIN LATERAL (SELECT %(every)s OR h.ended > 0 OR h.learned > %(known_at)s
            OR EXISTS (SELECT FROM superseded e WHERE e.point = h.point
                       AND e.time BETWEEN h.first AND h.last)) d(doubt)
        UNION ALL
        SELECT 1, 0, 0, {", ".join(of_rows)}, array_send(array_agg(s.point))
        FROM {who}(SELECT * FROM recent {during}) s HAVING count(*) > 0
        UNION ALL
        SELECT 2, 0, 0, {", ".join(of_ends)}, NULL
        FROM {who}(SELECT * FROM superseded {during}) s HAVING count(*) > 0
    """


def _values(asked: Asked) -> dict[str, object]:
    """Return the values that go into the query."""
    return {
        "start": asked.start,
        "end": asked.end,
        "known_at": asked.known_at,
        "every": asked.every,
        **({} if asked.points is None else {"points": integers(np.unique(asked.points))}),
    }


def _cut(columns: Columns, asked: Asked) -> Columns:
    """Return what is of the time asked for."""
    time = columns["time"]
    if asked.start <= time[0] and time[-1] < asked.end:
        return columns
    low, high = np.searchsorted(time, (asked.start, asked.end))
    return {name: column[low:high] for name, column in columns.items()}


def _standing(columns: Columns, over: tuple[IntArray, IntArray], asked: Asked) -> Columns:
    """Return what stood as it was known when asked for; with ``every`` all."""
    columns = ended(columns, over)
    if asked.every:
        return columns
    stood: BoolArray = columns["known"] <= asked.known_at
    stood &= columns["stops"] > asked.known_at
    return columns if stood.all() else taken(columns, stood)


def _assembled(found: list[tuple[int, Columns]], names: Sequence[str]) -> Columns:
    """Return pieces of points as columns over all, mostly in order."""
    found = [(point, columns) for point, columns in found if len(columns["time"])]
    found.sort(key=lambda piece: (piece[0], piece[1]["time"][0]))
    points = np.array([point for point, _ in found], np.int64)
    counts = np.array([len(columns["time"]) for _, columns in found], np.int64)
    empty: Columns = {name: np.empty(0, KINDS.get(name, np.int64)) for name in names}
    whole: Columns = {
        name: np.concatenate([nothing, *(columns[name] for _, columns in found)])
        for name, nothing in empty.items()
    }
    whole["point"] = np.repeat(points, counts)
    return whole


def _places(points: Sequence[int] | IntArray) -> NDArray[np.int64]:
    """Return the place of each number among some points."""
    numbers = np.asarray(points, np.int64)
    places = np.full(int(numbers.max()) + 1, -1)
    places[numbers] = np.arange(len(numbers))
    return places
