"""Write the states of thousands of points as JSON, quickly."""

from collections.abc import Iterable

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
    second are new ones.

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

    def rows(
        self, rows: Iterable[Kept], *, at: int, points: frozenset[str] | None = None
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
        """
        newest = {row.point: row for row in rows}
        # Many points share times, sources and flags: each is written once.
        times: dict[int, bytes] = {}
        rests: dict[tuple[str, int], bytes] = {}
        ages: dict[tuple[int, int], bytes] = {}
        found = []
        for point, head, span, patient in self._points:
            if points is not None and point not in points:
                continue
            row = newest.get(point)
            if row is None:
                found.append(head + _UNHEARD)
                continue
            written = self._written.get(point)
            if written is None or written[0] is not row:
                for moment in (row.time, row.known):
                    if moment not in times:
                        times[moment] = encoded(text(moment))
                rest = row.source, row.quality
                if rest not in rests:
                    told = {"source": row.source, "quality": flags(row.quality)}
                    rests[rest] = encoded(told)[1:-1]
                value = b"null" if row.value is None else repr(row.value).encode()
                written = (
                    row,
                    b'%b%b,"value":%b,%b,"version":%d,"known":%b'
                    % (
                        head,
                        times[row.time],
                        value,
                        rests[rest],
                        row.version,
                        times[row.known],
                    ),
                )
                self._written[point] = written
            age = at - row.time - span
            key = age, patient
            if key not in ages:
                fresh = b"true" if age <= patient else b"false"
                told_age = repr(max(age, 0) / 1e6).encode()
                ages[key] = b',"age_s":%b,"fresh":%b}' % (told_age, fresh)
            found.append(written[1] + ages[key])
        return b"[" + b",".join(found) + b"]"


_UNHEARD = (
    b'null,"value":null,"source":"","quality":[],"version":0,"known":null,"age_s":null,'
    b'"fresh":false}'
)
"""What is said of a point that was never heard."""
