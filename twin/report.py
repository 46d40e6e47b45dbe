"""Write the report of a lit district: one page that opens anywhere, without a network."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd
import shapely

from gis.district import District
from gis.errors import ComponentError, TableError
from gis.files import atomic_path
from gis.weather import Weather
from meshes.facets import Facets
from meshes.polygons import FloatArray
from meshes.solids import Kind
from twin.web.atlas import Values
from twin.web.colours import irradiation_scale
from twin.web.figures import energy, whole, wind
from twin.web.month_chart import Series, month_chart
from twin.web.payload import viewer_payload
from twin.web.plan_map import map_legend, places_list, plan_map
from twin.web.rankings import (
    SMALLEST_FACADE,
    SMALLEST_ROOF,
    facade_ranking,
    roof_ranking,
)

SCHEMATIC_LABEL = "Schematic, not survey data"


def write_report(
    path: Path,
    district: District,
    facets: Facets,
    parts: pd.DataFrame,
    *,
    sensor_kwh_m2: Values,
    facet_monthly_kwh_m2: FloatArray,
    weather: Weather,
    pv_monthly_kwh: pd.DataFrame | None = None,
    method: Sequence[str] = (),
) -> None:
    """Write the report as one HTML file.

    Parameters
    ----------
    path : Path
        The file to write; its folder must exist.
    district : District
        What was lit.
    facets : Facets
        Its roofs and walls.
    parts : DataFrame
        Results by building part, index part ids, columns `twin.web.payload.PART_COLUMNS`:
        ``height`` [m], areas [m2], ``roof_kwh_m2`` and ``facade_kwh_m2`` [kWh/m2 a year],
        ``pv_kwp`` [kW] and ``pv_kwh`` [kWh a year] of all solar panels, ``pv_roof_kwh``
        of those on the roof; NaN where unknown. Totals and rankings count the parts that
        stand inside the boundary, all parts if none does.
    sensor_kwh_m2 : (n,) float
        Irradiation of each sensor [kWh/m2 a year].
    facet_monthly_kwh_m2 : (f, 12) float
        Irradiation of each facet in each month [kWh/m2].
    weather : Weather
        The year that was used.
    pv_monthly_kwh : DataFrame, optional
        Solar power of each part (index) in the months 1 to 12 (columns) [kWh].
    method : sequence of str
        How light and power were computed and what was assumed, in sentences.

    Raises
    ------
    TableError
        If results and district do not belong together.
    ComponentError
        If the 3D viewer was not bundled.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Equal input gives equal bytes. The page forbids the browser every connection by its
    content security policy.
    """
    if facet_monthly_kwh_m2.shape != (len(facets), 12):
        message = (
            f"monthly light must have the shape ({len(facets)}, 12), one row a facet, "
            f"got {facet_monthly_kwh_m2.shape}"
        )
        raise TableError(message)
    year = int(pd.DatetimeIndex(weather.table.index).year[len(weather.table) // 2])
    payload = viewer_payload(
        district, facets, parts, sensor_kwh_m2=sensor_kwh_m2, year=year
    )
    inside = _inside(district, parts)
    facet_kwh_m2 = facet_monthly_kwh_m2.sum(axis=1)
    scale = irradiation_scale(sensor_kwh_m2)
    credits_line = escape(" · ".join(district.credits))
    page = Template(_asset("report.html")).substitute(
        title=escape(district.name),
        css=_asset("report.css"),
        label=f'<p class="label">{SCHEMATIC_LABEL}</p>' if district.schematic else "",
        summary=_summary(inside, parts, facets, facet_kwh_m2),
        stats=_stats(inside),
        map=plan_map(district, parts, scale),
        legend=map_legend(scale),
        map_note=_map_note(parts, inside),
        places=places_list(district),
        credits=credits_line,
        charts=_charts(inside, facets, facet_monthly_kwh_m2, pv_monthly_kwh),
        ranking_note=(
            f"Roofs of at least {SMALLEST_ROOF:g} m² and facades of at least "
            f"{SMALLEST_FACADE:g} m² inside the district, most light per square metre "
            "first."
        ),
        roofs=roof_ranking(inside),
        facades=facade_ranking(inside, facets, facet_kwh_m2),
        notes=_notes(district, facets, weather, method),
        payload=_script_json(payload),
        viewer=_bundle("viewer.js"),
        licences=escape(_bundle("THIRD_PARTY.txt")),
        script=_asset("report.js"),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _asset(name: str) -> str:
    """Return a file of the page."""
    return resources.files("twin.web").joinpath(name).read_text(encoding="utf-8")


def _bundle(name: str) -> str:
    """Return a file of the bundled viewer."""
    file = resources.files("twin.web").joinpath("dist", name)
    if not file.is_file():
        message = (
            f"the report needs the bundled 3D viewer, {name} is missing from "
            "twin/web/dist; run `make web` in the checkout or install the packed wheel"
        )
        raise ComponentError(message)
    return file.read_text(encoding="utf-8")


def _script_json(payload: dict[str, object]) -> str:
    """Return JSON that cannot end the script element that holds it."""
    text = json.dumps(
        payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.replace("<", "\\u003c")


def _inside(district: District, parts: pd.DataFrame) -> pd.DataFrame:
    """Return the results of the parts that stand inside the boundary, all if none does."""
    spots = district.buildings.representative_point()
    within = shapely.contains_xy(district.boundary, spots.x.to_numpy(), spots.y.to_numpy())
    kept = parts[parts.index.isin(district.buildings.index[within])]
    return kept if len(kept) else parts


def _map_note(parts: pd.DataFrame, inside: pd.DataFrame) -> str:
    """Return what the map's outlines and line are."""
    around = len(parts) - len(inside)
    pale = f"The {around} pale ones stand outside the district and only cast shadow. "
    return (
        f"Each outline is a building or a part of one. {pale if around else ''}"
        "The dashed line is the district's edge. Press an outline to see it in 3D."
    )


def _mean(values: pd.Series, weights: pd.Series) -> float:
    """Return the weighted mean of what is known, NaN if nothing is."""
    known = values.notna() & (weights > 0)
    total = float(weights[known].sum())
    return float((values * weights)[known].sum()) / total if total > 0 else float("nan")


def _stats(inside: pd.DataFrame) -> str:
    """Return the key numbers."""
    roofs = whole(_mean(inside["roof_kwh_m2"], inside["roof_area"]))
    walls = whole(_mean(inside["facade_kwh_m2"], inside["facade_area"]))
    total = float(inside["pv_kwh"].sum())
    power = energy(total)
    share = f"{float(inside['pv_roof_kwh'].sum()) / total:.0%}" if total > 0 else "none"
    peak = whole(float(inside["pv_kwp"].sum()))
    area = whole(float(inside["roof_area"].sum()))
    buildings = whole(inside["building"].nunique())
    numbers = [
        (f"{roofs} kWh/m²", "of light falls on a square metre of roof in a year"),
        (f"{walls} kWh/m²", "falls on a square metre of facade in a year"),
        (power, f"of solar power a year from {peak} kWp of panels, {share} of it on roofs"),
        (f"{area} m²", f"of roof on {buildings} buildings in the district"),
    ]
    return "".join(
        f"<div><b>{quantity.replace(' ', ' <small>', 1)}</small></b>"
        f"<span>{text}</span></div>"
        for quantity, text in numbers
    )


def _summary(
    inside: pd.DataFrame, parts: pd.DataFrame, facets: Facets, facet_kwh_m2: FloatArray
) -> str:
    """Return what the numbers say, in plain words."""
    sentences = [
        "This model shows how much sunlight reaches every roof and every facade of the "
        "district in a year, with the shadow of every other building, and what solar "
        "panels would make of it."
    ]
    roofs = inside[inside["roof_area"] >= SMALLEST_ROOF]
    if roofs["pv_roof_kwh"].notna().any():
        best = str(roofs["pv_roof_kwh"].idxmax())
        sentences.append(
            f"The roof that could give most power is that of {_name(parts, best)}: "
            f"{energy(float(roofs['pv_roof_kwh'].loc[best]))} a year."
        )
    ids = np.array(facets.solids.parts, dtype=object)[facets.part]
    walls = np.flatnonzero(
        (facets.kind == Kind.WALL)
        & (facets.area >= SMALLEST_FACADE)
        & pd.Index(ids).isin(inside.index)
    )
    if len(walls):
        best_wall = walls[np.argmax(facet_kwh_m2[walls])]
        east, north = facets.normal[best_wall, :2]
        facing = wind(float(np.degrees(np.arctan2(east, north)) % 360.0))
        name = _name(parts, str(ids[best_wall]))
        sentences.append(
            f"The brightest facade is the {facing} side of {name} "
            f"with {whole(float(facet_kwh_m2[best_wall]))} kWh on each square metre a year."
        )
    return f"<p>{' '.join(sentences)}</p>"


def _name(parts: pd.DataFrame, part: str) -> str:
    """Return a building's name, "block" and its part id where it has none."""
    return escape(str(parts["name"].loc[part]) or f"block {part}")


def _charts(
    inside: pd.DataFrame,
    facets: Facets,
    facet_monthly_kwh_m2: FloatArray,
    pv_monthly_kwh: pd.DataFrame | None,
) -> str:
    """Return the charts of the year."""
    ids = np.array(facets.solids.parts, dtype=object)[facets.part]
    counted = pd.Index(ids).isin(inside.index)
    series = []
    for name, css, kind, column in (
        ("Roofs", "roofs", Kind.ROOF, "roof_area"),
        ("Facades", "walls", Kind.WALL, "facade_area"),
    ):
        chosen = counted & (facets.kind == kind)
        # The results' area leaves out walls that a neighbour covers.
        area = float(inside[column].sum())
        if area > 0:
            monthly = facets.area[chosen] @ facet_monthly_kwh_m2[chosen] / area
            series.append(Series(name, css, monthly))
    charts = [month_chart("Light on a square metre", "kWh/m²", series)] if series else []
    if pv_monthly_kwh is not None:
        kept = pv_monthly_kwh[pv_monthly_kwh.index.isin(inside.index)]
        megawatt_hours = kept[list(range(1, 13))].sum().to_numpy(np.float64) / 1000.0
        power = Series("Solar power", "power", megawatt_hours)
        charts.append(month_chart("Solar power of the district", "MWh", [power]))
    return "".join(charts)


def _notes(
    district: District, facets: Facets, weather: Weather, method: Iterable[str]
) -> str:
    """Return where everything comes from."""
    sources = district.buildings["height_source"].value_counts(sort=False)
    ordered = sorted(sources.items(), key=lambda item: (-item[1], str(item[0])))
    heights = "; ".join(f"{count} {source}" for source, count in ordered)
    walls = int(np.count_nonzero(facets.kind == Kind.WALL))
    light = [
        f"{facets.sensor_count:,} measuring points on {len(facets) - walls:,} roofs and "
        f"{walls:,} walls.",
        *method,
    ]
    latitude, longitude = weather.position
    sky = [
        weather.source,
        f"Global irradiation on the level {whole(weather.annual('ghi'))} kWh/m², mean "
        f"temperature {weather.mean_temperature:.1f} °C, at {latitude:.2f}° N "
        f"{longitude:.2f}° E.",
        f"{weather.filled_hours:,} of {weather.hours:,} hours were filled from others.",
        *weather.notes,
    ]
    groups = {
        "Buildings and ground": [*district.notes, f"Heights of the parts: {heights}"],
        "Light and power": light,
        "Weather": sky,
    }
    return "".join(
        f"<div><h3>{title}</h3><ul>"
        f"{''.join(f'<li>{escape(_sentence(note))}</li>' for note in notes)}</ul></div>"
        for title, notes in groups.items()
    )


def _sentence(text: str) -> str:
    """Return a note with a full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
