"""Write the states of thousands of points as JSON, quickly."""

from collections.abc import Iterable

import msgspec

from twin.as_of import PointState, flags, text

ENCODER = msgspec.json.Encoder()


class PointRow(msgspec.Struct, frozen=True, gc=False):
    """A point with its newest value, as `twin.api.models.PointNow` describes it."""

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
