"""Write the states of thousands of points as JSON, quickly."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from twin.as_of import PointState, Roll, flags, text
from twin.store.records import Kept

ENCODER = msgspec.json.Encoder()


class PointRow(msgspec.Struct, frozen=True, gc=False):
    """A point with its newest value, as `twin.api.state_models.PointNow` describes it."""

    point: str
    building: str
    system: str
    quantity: str
    unit: str
    time: str | None
    value: float | None
    source: str
    quality: list[str]
    version: int
    known: str | None
    age_s: float | None
    fresh: bool


def point_rows(states: Iterable[PointState]) -> list[PointRow]:
    """Return states in plain values.

    Many points share their times: each is written once.
    """
    texts: dict[int | None, str | None] = {None: None}
    named: dict[int, list[str]] = {}
    rows = []
    for state in states:
        time, known, age, quality = state.time, state.known, state.age, state.quality
        for moment in (time, known):
            if moment not in texts and moment is not None:
                texts[moment] = text(moment)
        if quality not in named:
            named[quality] = flags(quality)
        rows.append(
            PointRow(
                state.point,
                state.building,
                state.system,
                state.quantity,
                state.unit,
                texts[time],
                state.value,
                state.source,
                named[quality],
                state.version,
                texts[known],
                None if age is None else age / 1e6,
                state.fresh,
            )
        )
    return rows


def encoded(told: object) -> bytes:
    """Return plain values and rows as JSON."""
    return ENCODER.encode(told)


class LatestTexts:
    """Newest values as JSON, each written once however often it is asked for.

    What a value says does not change, only its age does: a thousandth of the values of a
    second are new ones. While none is, only the ages are put in.

    Parameters
    ----------
    roll : Roll
        All points.
    """

    def __init__(self, roll: Roll) -> None:
        self._points: list[tuple[str, bytes, int, int]] = []
        for point, begin in roll.begins.items():
            building, system, quantity, unit, span, patient = begin
            names = {"point": point, "building": building, "system": system}
            head = encoded(names | {"quantity": quantity, "unit": unit})
            self._points.append((point, head[:-1] + b',"time":', span, patient))
        self._written: dict[str, tuple[Kept, bytes]] = {}
        self._kept: tuple[list[Kept], _Sheet] | None = None

    def rows(
        self,
        rows: Iterable[Kept],
        *,
        at: int,
        points: frozenset[str] | None = None,
        begin: bytes = b"[",
        tail: bytes = b"]",
    ) -> bytes:
        """Return what `point_rows` of the same states would be encoded to.

        Parameters
        ----------
        rows : iterable of Kept
            Newest values.
        at : int
            Moment that ages are of [microseconds since 1970, UTC].
        points : frozenset of str, optional
            Which; default all.
        begin, tail : bytes
            What stands around them.
        """
        given = list(rows)
        kept = self._kept
        if points is not None:
            sheet = self._sheet({row.point: row for row in given}, points)
        # The store hands out the same rows while they stand: told by identity.
        elif kept is not None and kept[0] == given:
            sheet = kept[1]
        else:
            sheet = self._sheet({row.point: row for row in given}, None)
            self._kept = given, sheet
        closes = [b"},"]
        for end, patient in sheet.ends:
            age = at - end
            fresh = b"true" if age <= patient else b"false"
            told_age = repr(max(age, 0) / 1e6).encode()
            closes.append(b',"age_s":%b,"fresh":%b},' % (told_age, fresh))
        # One join alone, for each copies over a megabyte.
        told = [begin, *sheet.texts, tail]
        told[2:-1:2] = [closes[which] for which in sheet.closed]
        if sheet.closed:
            told[-2] = told[-2][:-1]
        return b"".join(told)

    def _sheet(self, newest: Mapping[str, Kept], points: frozenset[str] | None) -> "_Sheet":
        """Return the texts of values, with room for the age of each."""
        # Many points share times, sources and flags: each is written once.
        times: dict[int, bytes] = {}
        rests: dict[tuple[str, int], bytes] = {}
        ends: dict[tuple[int, int], int] = {}
        texts: list[bytes] = []
        closed: list[int] = []
        for point, head, span, patient in self._points:
            if points is not None and point not in points:
                continue
            row = newest.get(point)
            if row is None:
                texts += head + _UNHEARD, b""
                closed.append(0)
                continue
            written = self._written.get(point)
            if written is None or written[0] is not row:
                written = row, _row_text(head, row, times, rests)
                self._written[point] = written
            texts += written[1], b""
            closed.append(ends.setdefault((row.time + span, patient), len(ends) + 1))
        return _Sheet(texts, closed, list(ends))


class _Sheet(NamedTuple):
    """Texts of values with room for what ends each.

    ``texts`` holds each value as far as its age, and an empty place; ``closed`` says what
    goes there: 0 for the end of a point that was never heard, else 1 and more for one of
    ``ends``, the end of an interval [microseconds since 1970, UTC] and how long it is
    waited for.
    """

    texts: list[bytes]
    closed: list[int]
    ends: list[tuple[int, int]]


def _row_text(
    head: bytes, row: Kept, times: dict[int, bytes], rests: dict[tuple[str, int], bytes]
) -> bytes:
    """Return what a value says, as far as its age."""
    for moment in (row.time, row.known):
        if moment not in times:
            times[moment] = encoded(text(moment))
    rest = row.source, row.quality
    if rest not in rests:
        told = {"source": row.source, "quality": flags(row.quality)}
        rests[rest] = encoded(told)[1:-1]
    value = b"null" if row.value is None else repr(row.value).encode()
    return b'%b%b,"value":%b,%b,"version":%d,"known":%b' % (
        head,
        times[row.time],
        value,
        rests[rest],
        row.version,
        times[row.known],
    )


_UNHEARD = (
    b'null,"value":null,"source":"","quality":[],"version":0,"known":null,"age_s":null,'
    b'"fresh":false'
)
"""What is said of a point that was never heard."""
