"""Say the live state in plain values, for JSON, pages and terminals alike."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from gis.faults import name_some
from twin.hours import Means, means_of
from twin.judgement import BoolArray, Status
from twin.live import DAY, HOUR, NEVER, STALE_AFTER
from twin.live_cells import together
from twin.live_state import LiveState
from twin.quantities import BUILDING_QUANTITIES, Quantity
from twin.store.records import Kept

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EXPECTED_BASIS = (
    "expected is the yield in the same hour of the weather year the twin was built with, "
    "not of today's weather"
)

WORDS = ("off", "short", "deviates", "stale", "silent", "ok")
"""What a building can be; of several the first is its word."""

NOTHING_OFF = 0.5
"""Yield below which nothing worth telling is missing [kWh]."""


def status_record(state: LiveState) -> dict[str, Any]:
    """Return the whole state: the district first, then its buildings by urgency.

    Powers are consumption positive and generation negative; energies of panels are yields,
    0 or positive; unknown is None; times are UTC.
    """
    day, measured = state.day, state.total(Quantity.PV_POWER)
    expected = state.expected_total
    electricity = state.total(Quantity.ELECTRICITY_POWER)
    points, fresh = int(state.points.sum()), int(state.points_fresh.sum())
    buildings = [building_record(state, place) for place in state.by_urgency()]
    words = Counter(building["status"] for building in buildings)
    return {
        "district": state.twin.name,
        "schematic": state.twin.schematic,
        "label": state.label,
        "as_of": utc(state.moment),
        "as_of_words": moment_words(state),
        "day": utc(day.start)[:10],
        "sequence": state.sequence,
        "empty": state.empty,
        "expected_basis": EXPECTED_BASIS,
        "now": {
            "pv_power": number(measured),
            "pv_power_expected": number(expected),
            "pv_power_residual": number(measured - expected),
            "heat_power": number(state.total(Quantity.HEAT_POWER)),
            "electricity_power": number(electricity),
            "net_electricity": number(electricity + measured),
        },
        "pv_day": {
            "hours": day.hours,
            "measured_kwh": number(day.measured_kwh.sum()),
            "expected_kwh": number(day.expected_kwh.sum()),
            "share": ratio(day.measured_kwh.sum(), day.expected_kwh.sum()),
            "missing_kwh": number(day.missing_kwh.sum()),
            "hours_compared": int(day.compared[:, : day.hours].sum()),
            "hours_due": int((~np.isnan(day.expected[:, : day.hours])).sum()),
            "curve": district_curve(state),
        },
        "points": {"all": points, "fresh": fresh, "silent": points - fresh},
        "gaps": {
            "known": state.gaps.known,
            "unheard": state.gaps.unheard,
            "due": state.gaps.due,
        },
        "quarantine": {
            "rows": sum(state.refusals.values()),
            "reasons": dict(state.refusals),
        },
        "revisions": state.revisions,
        "unknown_points": state.strangers,
        "status": {word: words[word] for word in WORDS},
        "buildings": buildings,
    }


def district_curve(state: LiveState) -> list[dict[str, Any]]:
    """Return the panels of the district hour by hour, yields 0 or positive [kW].

    Expected is that of the buildings that were measured in the hour, so that the two can
    be compared; in the hours to come, of all.
    """
    day = state.day
    rows = []
    for hour in range(24):
        over = hour < day.hours
        both = day.compared[:, hour]
        chosen = both if over else ~np.isnan(day.expected[:, hour])
        rows.append(
            {
                "time": utc(day.start + hour * HOUR),
                "expected_kw": number(-day.expected[chosen, hour].sum()),
                "measured_kw": number(-day.measured[both, hour].sum())
                if over and both.any()
                else None,
                "buildings": int(both.sum()),
            }
        )
    return rows


def building_record(state: LiveState, place: int) -> dict[str, Any]:
    """Return one building's state, one word for it, and what is to be said about it."""
    building, day = state.buildings[place], state.day
    found = findings(state, place)
    newest, age = int(state.newest[place]), int(state.age[place])
    has_panels = bool(state.has(Quantity.PV_POWER)[place])
    return {
        "id": building.id,
        "name": building.name,
        "use": building.use,
        "status": found[0]["kind"] if found else "ok",
        "attention": bool(found),
        "findings": found,
        **{q.value: number(state.values[q][place]) for q in BUILDING_QUANTITIES},
        "pv_power_expected": number(state.expected[place]),
        "pv_power_residual": number(state.residual[place]),
        "time": None if newest == NEVER else utc(newest),
        "age_hours": None if age == NEVER else round(age / HOUR, 3),
        "source": state.sources[place],
        "points": int(state.points[place]),
        "points_fresh": int(state.points_fresh[place]),
        "silent": [
            q.value
            for q in BUILDING_QUANTITIES
            if state.has(q)[place] and not state.fresh(q)[place]
        ],
        "parts": parts(state, place),
        "pv_day": {
            "measured_kwh": number(day.measured_kwh[place]),
            "expected_kwh": number(day.expected_kwh[place]),
            "share": ratio(day.measured_kwh[place], day.expected_kwh[place]),
            "missing_kwh": number(day.missing_kwh[place]),
            "hours_off": int(day.off[place].sum()),
            "hours_short": int(day.short[place].sum()),
        }
        if has_panels
        else None,
    }


def parts(state: LiveState, place: int) -> list[dict[str, Any]]:
    """Return the points of those quantities of a building that have several.

    Each with the mean of its own newest hour, which may be later than that of the sum.
    """
    told = []
    for quantity in BUILDING_QUANTITIES:
        points = state.roster.cells.get((place, quantity), ())
        for point in points if len(points) > 1 else ():
            hour, value = state.heard.get(point, (NEVER, math.nan))
            told.append(
                {
                    "point": point,
                    "quantity": quantity.value,
                    "value": number(value),
                    "time": None if hour == NEVER else utc(hour),
                    "fresh": _is_fresh(state, point),
                }
            )
    return told


def _is_fresh(state: LiveState, point: str) -> bool:
    """Say whether a point has a fresh value."""
    hour, _ = state.heard.get(point, (NEVER, math.nan))
    return hour != NEVER and state.moment - hour - HOUR <= STALE_AFTER


def building_details(state: LiveState, place: int, rows: list[Kept]) -> dict[str, Any]:
    """Return one building's state with its day, hour by hour.

    Parameters
    ----------
    state : LiveState
    place : int
        Place of the building in the model.
    rows : list of Kept
        Values of its points over the day.
    """
    day, means = state.day, means_of(rows)
    curves = {
        quantity.value: _hours(state, quantity, place, means)
        for quantity in BUILDING_QUANTITIES
        if state.has(quantity)[place]
    }
    if state.has(Quantity.PV_POWER)[place]:
        curves["pv_power_expected"] = [number(v) for v in day.expected[place]]
        curves["pv_power_residual"] = [number(v) for v in day.residual[place]]
    return {
        **building_record(state, place),
        "as_of": utc(state.moment),
        "label": state.label,
        "day": [utc(day.start + hour * HOUR) for hour in range(24)],
        "curves": curves,
    }


def _hours(
    state: LiveState, quantity: Quantity, place: int, means: Means
) -> list[float | None]:
    """Return a quantity's values of the 24 hours."""
    points = state.roster.cells[place, quantity]
    hours = (state.day.start + hour * HOUR for hour in range(24))
    return [
        number(together(quantity, [means.get((point, hour)) for point in points]))
        for hour in hours
    ]


def findings(state: LiveState, place: int) -> list[dict[str, Any]]:
    """Return what is to be said about a building, the gravest first."""
    day, found = state.day, []
    if day.off[place].any():
        kwh = float(np.where(day.off[place], day.residual[place], 0.0).sum())
        text = f"panels OFF {_spans(day.off[place])}, {kwh:,.0f} kWh below expected then"
        found.append({"kind": "off", "text": text, "kwh": number(kwh)})
    short = day.short[place] & ~day.off[place]
    kwh = float(np.where(short, day.residual[place], 0.0).sum())
    if short.any() and kwh >= NOTHING_OFF:
        text = f"panels short {_spans(short)}, {kwh:,.0f} kWh below expected then"
        found.append({"kind": "short", "text": text, "kwh": number(kwh)})
    residual = float(state.residual[place])
    newest = int(state.times[Quantity.PV_POWER][place])
    told = found and day.start <= newest and day.short[place, (newest - day.start) // HOUR]
    if state.status[place] == Status.DEVIATES and not told:
        word = "less" if residual > 0 else "more"
        text = f"panels give {abs(residual):,.1f} kW {word} than expected now"
        found.append({"kind": "deviates", "text": text, "kwh": None})
    if state.status[place] == Status.STALE:
        found.append({"kind": "stale", "text": _silence(state, place), "kwh": None})
    if state.status[place] == Status.SILENT:
        found.append({"kind": "silent", "text": "never heard", "kwh": None})
    return found


def _silence(state: LiveState, place: int) -> str:
    """Say which points fell silent and when."""
    points, known = int(state.points[place]), int(state.points_known[place])
    late = points - int(state.points_fresh[place])
    own = [p for p, cell in state.roster.points.items() if cell[0] == place]
    old = [
        state.heard[point][0]
        for point in own
        if point in state.heard and not _is_fresh(state, point)
    ]
    told = []
    if late:
        text = f"{late} of {points} points silent"
        if old:
            text += f" since {clock(min(old) + HOUR, state.day.start)} UTC"
        told.append(text if known == points else f"{text}, {points - known} never heard")
    for quantity in BUILDING_QUANTITIES:
        several = state.roster.cells.get((place, quantity), ())
        if len(several) > 1 and not state.fresh(quantity)[place]:
            silent = [point for point in several if not _is_fresh(state, point)]
            why = f"{name_some(silent)} silent" if silent else "never all in one hour"
            told.append(f"{quantity.value} of {len(several)} points: {why}")
    return "; ".join(told)


def _spans(hours: BoolArray) -> str:
    """Name runs of hours of a day.

    Examples
    --------
    >>> _spans(np.isin(np.arange(24), [10, 11, 12, 20]))
    '10–13, 20–21 UTC (4 h)'
    """
    edges = np.flatnonzero(np.diff(np.r_[False, hours, False].astype(int)))
    spans = [f"{a:02d}–{b:02d}" for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return f"{', '.join(spans)} UTC ({int(hours.sum())} h)"


def moment_words(state: LiveState) -> str:
    """Say in words what moment the state is of.

    Midnight belongs to the day that ends: 24:00.
    """
    at = EPOCH + timedelta(microseconds=state.moment)
    ends = state.moment % DAY == 0
    day = at - timedelta(days=1) if ends else at
    hour = "24:00" if ends else f"{at:%H:%M}"
    words = f"as of {day.day} {day:%B %Y} {hour} UTC"
    if not state.ends_log:
        return words
    return f"{words}, end of the {'simulated day' if ends else 'last simulated hour'}"


def clock(time: int, midnight: int) -> str:
    """Return the time of day, with the date where it is of another day."""
    at = EPOCH + timedelta(microseconds=time)
    same = midnight <= time <= midnight + DAY
    return f"{at:%H:%M}" if same else f"{at.day} {at:%B %Y} {at:%H:%M}"


def utc(time: int) -> str:
    """Return microseconds since 1970 as ISO 8601 text, UTC."""
    return (EPOCH + timedelta(microseconds=int(time))).isoformat().replace("+00:00", "Z")


def number(value: float) -> float | None:
    """Return a value to the thousandth, None where it is unknown."""
    return None if math.isnan(value) else round(float(value), 3) + 0.0


def ratio(part: float, whole: float) -> float | None:
    """Return a share, None of nothing."""
    return round(float(part / whole), 4) if whole > 0 else None
