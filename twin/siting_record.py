"""Put the answer to a siting question into words and plain numbers."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.layers import SCHEMATIC
from gis.plan import Finding
from twin.description import input_hash
from twin.siting import DAY_HOURS, EQUINOX, WANTED_HOURS, Evaluation, Site

DIGITS = 3
"""Decimals of written numbers: finer than any of them is known."""

SHARE = "light_lost_percent"
"""A large building may lose a millionth of its light and still be a neighbour."""

SURVEYED = "made from the user's own data"
"""Label of a twin that is not schematic."""

NEIGHBOUR_UNITS = {
    "rank": "1: loses the most light",
    "distance_m": "m, from outline to outline",
    "bearing_deg": "degrees clockwise from north, from the candidate",
    "light_kwh_before": "kWh/year on all roofs and facades",
    "light_kwh_after": "kWh/year",
    "light_kwh_lost": "kWh/year",
    "light_lost_percent": "% of light_kwh_before",
    "roof_kwh_m2_before": "kWh/m2 and year, mean over the roofs",
    "roof_kwh_m2_after": "kWh/m2 and year",
    "roof_kwh_m2_lost": "kWh/m2 and year",
    "facade_kwh_m2_before": "kWh/m2 and year, mean over the facades",
    "facade_kwh_m2_after": "kWh/m2 and year",
    "facade_kwh_m2_lost": "kWh/m2 and year",
    "pv_kwh_before": "kWh/year, potential of solar cells",
    "pv_kwh_after": "kWh/year",
    "pv_kwh_lost": "kWh/year",
    "sun_hours_before": f"h on {EQUINOX:%d %B}, mean over the facades",
    "sun_hours_after": "h",
    "sun_hours_lost": "h",
    "enough_sun_lost_m2": (
        f"m2 of facade that had {WANTED_HOURS:g} h of sun from {DAY_HOURS[0]} to "
        f"{DAY_HOURS[1]} and has no longer"
    ),
}
OWN_UNITS = {
    "height_m": "m, as the candidate states it",
    "floor_m_rh2000": "m RH2000, level of the ground floor",
    "footprint_m2": "m2",
    "roof_area_m2": "m2",
    "roof_kwh": "kWh/year of light on the roofs",
    "roof_kwh_m2": "kWh/m2 and year",
    "facade_area_m2": "m2",
    "facade_kwh": "kWh/year of light on the facades",
    "facade_kwh_m2": "kWh/m2 and year",
    "pv_area_m2": "m2 of solar modules",
    "pv_kwp": "kW",
    "pv_kwh": "kWh/year",
    "pv_roof_kwh": "kWh/year",
    "pv_facade_kwh": "kWh/year",
    "sun_hours": f"h on {EQUINOX:%d %B}, mean over the facades",
    "enough_sun_percent": (
        f"% of the facade with {WANTED_HOURS:g} h of sun from {DAY_HOURS[0]} to "
        f"{DAY_HOURS[1]}"
    ),
}
TOTAL_UNITS = {
    "neighbours": "buildings that lose light or sun",
    "light_kwh_before": "kWh/year on their roofs and facades",
    "light_kwh_lost": "kWh/year",
    "light_lost_percent": "%",
    "pv_kwh_lost": "kWh/year",
    "enough_sun_lost_m2": NEIGHBOUR_UNITS["enough_sun_lost_m2"],
}

METHOD = (
    "Every roof and facade of the twin carries measuring points, at most {spacing:g} m "
    "apart, that know which parts of the sky and of the sun's path they see; the new "
    "building's shadow is laid over that, and the light of a year is summed again where "
    "the shadow falls.",
    "The numbers are those of a new build of the whole district with the building in it, "
    "up to rounding.",
    "Hours of sun are those of a clear {day:%d %B}, mean over the facades; "
    "{hours:g} hours between {start} and {end} were a recommendation of the Swedish "
    "National Board of Housing (Boverket, Solklart, 1991), the building rules set no "
    "number.",
)
LIMITS = (
    "Buildings are blocks with flat roofs and upright walls (LoD1).",
    "{trees}",
    "Solar cells are a potential, not a plan.",
    "Daylight indoors, noise, wind and the detailed plan (detaljplan) are not judged.",
)
PLAN_LIMITS = (
    *LIMITS[:-1],
    "Daylight indoors, noise and wind are not judged. Of the plan (detaljplan) only the "
    "rules named here are judged, as its file words them; its map and text count.",
)
"""What an answer does not say where a plan was asked."""

TREES = {
    True: "Trees shade in all seasons as porous crowns, before and after; those on the new "
    "building's ground are felled for it. Hours of sun leave trees out.",
    False: "Trees do not shade.",
}


def today() -> date:
    """Return the day on which an answer is written, UTC."""
    return datetime.now(UTC).date()


def method_words(site: Site) -> tuple[str, ...]:
    """Return how the numbers were found, in three sentences."""
    start, end = DAY_HOURS
    return tuple(
        sentence.format(
            spacing=site.built.spacing,
            day=EQUINOX,
            hours=WANTED_HOURS,
            start=start,
            end=end,
        )
        for sentence in METHOD
    )


def tree_words(site: Site) -> str:
    """Return whether and how trees shade."""
    return TREES[site.lit.crowns is not None]


def limit_words(site: Site, *, with_plan: bool) -> list[str]:
    """Return what an answer leaves out, in sentences."""
    limits = PLAN_LIMITS if with_plan else LIMITS
    return [sentence.format(trees=tree_words(site)) for sentence in limits]


def label_words(site: Site) -> str:
    """Return whether the twin is schematic."""
    return SCHEMATIC if site.built.district.schematic else SURVEYED


def neighbour_table(site: Site, evaluation: Evaluation) -> pd.DataFrame:
    """Return the neighbours with where they stand and the share that they lose.

    Parameters
    ----------
    site : Site
        The twin.
    evaluation : Evaluation
        What the candidate does to it.

    Returns
    -------
    DataFrame
        Index ``building``, the largest loss first; ``name``, ``use`` and the columns of
        `NEIGHBOUR_UNITS`.
    """
    table = evaluation.neighbours
    shapes = neighbour_shapes(site, table.index)
    outline = evaluation.candidate.outline
    middle, centres = shapely.centroid(outline), shapely.centroid(shapes)
    east, north = (
        shapely.get_x(centres) - middle.x,
        shapely.get_y(centres) - middle.y,
    )
    before = table["light_kwh_before"]
    lost = 100.0 * table["light_kwh_lost"] / before.where(before > 0)
    placed = table.assign(
        rank=np.arange(1, len(table) + 1),
        distance_m=shapely.distance(shapes, outline),
        bearing_deg=np.degrees(np.arctan2(east, north)) % 360.0,
        light_lost_percent=lost,
    )
    return placed[["name", "use", *NEIGHBOUR_UNITS]]


def neighbour_shapes(site: Site, buildings: "pd.Index[str]") -> np.ndarray:
    """Return the ground that buildings cover, all their parts as one, (n,) EPSG:3008.

    Parameters
    ----------
    site : Site
        The twin.
    buildings : Index
        Ids of buildings.
    """
    frame = site.built.district.buildings
    grouped = frame.geometry.groupby(frame["building"])
    shapes = [shapely.union_all(grouped.get_group(name).to_numpy()) for name in buildings]
    return np.array(shapes, dtype=object)


def total_numbers(table: pd.DataFrame) -> dict[str, float]:
    """Sum what neighbours lose; names and units as in `TOTAL_UNITS`.

    Parameters
    ----------
    table : DataFrame
        See `neighbour_table`.
    """
    sums = {
        name: float(table[name].sum())
        for name in (
            "light_kwh_before",
            "light_kwh_lost",
            "pv_kwh_lost",
            "enough_sun_lost_m2",
        )
    }
    before = sums["light_kwh_before"]
    share = 100.0 * sums["light_kwh_lost"] / before if before > 0 else 0.0
    return {"neighbours": len(table), **sums, "light_lost_percent": share}


def own_numbers(evaluation: Evaluation) -> dict[str, float]:
    """Return what the new building is and gets; names and units as in `OWN_UNITS`."""
    own, candidate = evaluation.own, evaluation.candidate
    renamed = {
        "roof_area_m2": "roof_area",
        "facade_area_m2": "facade_area",
        "pv_area_m2": "pv_m2",
    }
    known = {
        "height_m": float(candidate.parts["height"].max()),
        "floor_m_rh2000": candidate.floor,
        "footprint_m2": float(candidate.outline.area),
        "enough_sun_percent": 100.0 * float(own["enough_sun_share"]),
    }
    return {
        name: known[name] if name in known else float(own[renamed.get(name, name)])
        for name in OWN_UNITS
    }


def evaluation_record(
    site: Site, evaluation: Evaluation, *, made: date | None = None
) -> dict[str, Any]:
    """Return the whole answer as plain values that JSON can hold.

    Parameters
    ----------
    site : Site
        The twin.
    evaluation : Evaluation
        What the candidate does to it.
    made : date, optional
        Day of the answer; today by default.

    Returns
    -------
    dict
        ``heidi`` (see `origin_record`), ``passed``, ``rules``, ``candidate``, ``totals``
        and ``neighbours``, the largest loss first; unknown numbers are None. Where a plan
        was asked, its rules carry their ``zone``, and there are ``open_rules`` (to be
        checked by a person: zone, words, source) and ``plan`` (see `plan_record`).
    """
    table = neighbour_table(site, evaluation)
    candidate = evaluation.candidate
    told = candidate.parts.iloc[0]
    named = pd.DataFrame(table).reset_index()
    every = site.built.buildings["name"]
    shared = named["name"].isin(every[every.duplicated() & (every != "")])
    # Several buildings of one name are told apart by their id.
    named["label"] = (named["name"] + " (" + named["building"] + ")").where(
        shared, named["name"].where(named["name"] != "", named["building"])
    )
    rows = named.to_dict("records")
    return {
        "heidi": origin_record(site, evaluation, made=made),
        "passed": evaluation.passed,
        "rules": [_rule_row(finding) for finding in evaluation.findings],
        **plan_record(evaluation),
        "candidate": {
            "building": candidate.building,
            "name": str(told["name"]),
            "use": str(told["use"]),
            "blocks": len(candidate.parts),
            "floor_source": candidate.floor_source,
            "notes": list(candidate.notes),
            **_plain_row(own_numbers(evaluation)),
        },
        "totals": _plain_row(total_numbers(table)),
        "neighbours": [_plain_row(row) for row in rows],
    }


def _rule_row(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values, with its zone if it has one."""
    row = {name: plain(value) for name, value in asdict(finding).items()}
    return {name: v for name, v in row.items() if name != "zone" or v is not None}


def plan_record(evaluation: Evaluation) -> dict[str, Any]:
    """Return what was asked of a plan, as plain values; nothing where none was asked.

    Parameters
    ----------
    evaluation : Evaluation
        What the candidate does to the district.

    Returns
    -------
    dict
        ``open_rules`` and ``plan``: ``sources`` (of the zones that rule the candidate, or
        of the whole plan where none does), ``zones`` (names of those zones) and ``notes``,
        what was not understood while reading.
    """
    plan = evaluation.plan
    if plan is None:
        return {}
    judged = [finding.zone for finding in evaluation.findings]
    told = [*judged, *(rule.zone for rule in evaluation.open_rules)]
    zones = [zone for zone in dict.fromkeys(told) if zone]
    ruling = plan.zones.loc[zones] if zones else plan.zones
    return {
        "open_rules": [asdict(rule) for rule in evaluation.open_rules],
        "plan": {
            "sources": list(dict.fromkeys(ruling["source"])),
            "zones": zones,
            "notes": list(plan.notes),
        },
    }


def _plain_row(row: Mapping[Any, object]) -> dict[str, Any]:
    """Return a row of numbers as plain values; small shares keep their digits."""
    return {
        str(name): plain(value, digits=2 * DIGITS if name == SHARE else DIGITS)
        for name, value in row.items()
    }


def origin_record(
    site: Site, evaluation: Evaluation, *, made: date | None = None
) -> dict[str, Any]:
    """Return on what the answer rests: twin, credits, method, limits, units."""
    built = site.built
    plan = plan_record(evaluation).get("plan", {})
    district = built.district
    return {
        "what": "answer to a siting question",
        "district": district.name,
        "label": label_words(site),
        "schematic": district.schematic,
        "version": version("heidi-twin"),
        "inputs": input_hash(built),
        "date": (made or today()).isoformat(),
        "credits": [
            *district.credits,
            built.weather.source,
            *(f"Plan: {source}" for source in plan.get("sources", ())),
        ],
        "method": list(method_words(site)),
        "limits": limit_words(site, with_plan=bool(plan)),
        "units": {
            "candidate": OWN_UNITS,
            "neighbour": NEIGHBOUR_UNITS,
            "totals": TOTAL_UNITS,
        },
    }


def plain(value: object, *, digits: int = DIGITS) -> object:
    """Return a value as JSON holds it: rounded, None for NaN, never a minus zero.

    >>> plain(np.float32(2.00049)), plain(-0.0001), plain(float("nan")), plain("Tura")
    (2.0, 0.0, None, 'Tura')
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        return round(number, digits) + 0.0 if math.isfinite(number) else None
    return value
