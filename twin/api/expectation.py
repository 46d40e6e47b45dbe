"""Lay panels and collectors beside what they should give."""

from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from gis.errors import TableError, UnknownIdError
from twin.api.desk import Desk
from twin.api.questions import Span
from twin.as_of import SECOND, label_of, text
from twin.editions import geometry_hash
from twin.expectation.expected_power import Expected
from twin.expectation.plants import place_of, plants_of
from twin.expectation.points import (
    SOLAR,
    WEATHER,
    Values,
    expected_of_year,
    logged_weather,
    measured_on,
    measures_light,
)
from twin.expectation.power import expect
from twin.live import SIMULATED
from twin.model import Model, Point
from twin.store.protocol import Store

MOST_CELLS = 400_000
"""Steps times systems of one answer."""


def expected_record(
    desk: Desk,
    over: Span,
    *,
    building: str | None,
    system: str | None,
    known_at: int | None,
    measured: bool,
) -> dict[str, Any]:
    """Return expected and measured power of panels and collectors in plain values.

    Parameters
    ----------
    desk : Desk
    over : Span
        From when until when.
    building, system : str or None
        Whose panels and collectors; default all.
    known_at : int or None
        As known when [microseconds since 1970, UTC]; None is now.
    measured : bool
        Whether from the twin's own weather station, not from the typical year.

    Raises
    ------
    UnknownIdError
        If there are no such systems, or no point measured the light.
    TableError
        If more is asked than one answer holds.
    """
    model = part_of(desk.twin.model, building, system)
    points = [point for point in model.points if point.quantity in SOLAR]
    stations = [point for point in model.points if point.quantity in WEATHER]
    values, sources = desk.ask(
        lambda store: _values(store, [*points, *stations], over, known_at)
    )
    found = _expected(desk, model, values, sources, over, measured=measured)
    if found is None or not found.systems:
        message = (
            "there must be panels or collectors to expect something of, but there are none"
        )
        raise UnknownIdError(message)
    if found.power.size > MOST_CELLS:
        message = (
            f"an answer holds {MOST_CELLS:,} values, got {found.power.size:,}; ask for "
            "one building or a shorter time"
        )
        raise TableError(message)
    gave = measured_on(values, found, points)
    both = np.isfinite(gave) & np.isfinite(found.power)
    sizes = desk.sizes
    kinds = {one.id: one.kind for one in model.systems}
    systems = []
    for k, name in enumerate(found.systems):
        should = float(found.power[k][both[k]].sum() * found.hours)
        did = float(gave[k][both[k]].sum() * found.hours)
        systems.append(
            {
                "system": name,
                "building": model.owner[name],
                "kind": kinds[name].value,
                "rated_kw": _rounded(sizes[name].rated),
                "area_m2": _rounded(sizes[name].area),
                "expected_kw": _plain(0.0 - found.power[k]),
                "measured_kw": _plain(0.0 - gave[k]),
                "residual_kw": _plain(found.power[k] - gave[k]),
                "expected_kwh": round(should, 3),
                "expected_total_kwh": round(
                    float(np.nansum(found.power[k]) * found.hours), 3
                ),
                "measured_kwh": round(did, 3),
                "ratio": round(did / should, 4) if should > 0 else None,
            }
        )
    return {
        "start": text(int(found.start[0])),
        "end": text(int(found.start[-1]) + found.step),
        "step_s": found.step / SECOND,
        "weather": found.basis.weather,
        "notes": list(found.basis.notes),
        "label": label_of(sources),
        "times": [text(int(time)) for time in found.start],
        "systems": systems,
    }


def part_of(model: Model, building: str | None, system: str | None = None) -> Model:
    """Return the model with the systems that are asked for, and all weather stations."""
    if building is None and system is None:
        return model
    systems = tuple(
        one
        for one in model.systems
        if (building is None or one.building == building)
        and (system is None or one.id == system)
    )
    kept = {one.id for one in systems}
    extra = {point.system for point in model.points if point.quantity in WEATHER} - kept
    stations = tuple(replace(one, facets=()) for one in model.systems if one.id in extra)
    return replace(
        model,
        systems=(*systems, *stations),
        points=tuple(
            point
            for point in model.points
            if point.system in kept or (point.system in extra and point.quantity in WEATHER)
        ),
    )


def _values(
    store: Store, points: list[Point], over: Span, known_at: int | None
) -> tuple[dict[str, Values], tuple[str, ...]]:
    """Return what is known of points, by point."""
    found: dict[str, Values] = {}
    with store.snapshot():
        for point in points:
            table = store.table(over.start, over.end, points=[point.id], known_at=known_at)
            if table.num_rows:
                value = table["value"].to_numpy(zero_copy_only=False)
                found[point.id] = table["time"].to_numpy(), value.astype(np.float64)
        return found, tuple(store.sources())


def _expected(
    desk: Desk,
    model: Model,
    values: dict[str, Values],
    sources: tuple[str, ...],
    over: Span,
    *,
    measured: bool,
) -> Expected | None:
    """Return what panels and collectors should give."""
    if not measured:
        return expected_of_year(
            desk.twin.expected,
            model,
            start=over.start,
            end=over.end,
            certain=set(sources) == {SIMULATED},
        )
    if not measures_light(values, model):
        message = (
            "a weather station of the twin must have measured ghi, or dni and dhi, at that "
            "time, but none did; ask with weather=typical"
        )
        raise UnknownIdError(message)
    built = desk.built()
    place = place_of(built)
    return expect(
        built.light,
        plants_of(built, model),
        logged_weather(values, model, place),
        place,
        geometry=geometry_hash(desk.twin.folder),
        version=version("heidi-twin"),
    )


def _rounded(value: float | None) -> float | None:
    """Return a size to the thousandth; None where nobody knows."""
    return None if value is None else round(value, 3)


def _plain(values: "np.ndarray[Any, np.dtype[np.float64]]") -> list[float | None]:
    """Return numbers for JSON; unknown is None."""
    return [None if np.isnan(v) else round(float(v), 4) + 0.0 for v in values]
