"""Tell a planner in ten lines what a build found."""

import pandas as pd

from twin.build import Built
from twin.folder import Written
from twin.height_kinds import ASSUMED


def summary_lines(built: Built, written: Written) -> list[str]:
    """Return the ten lines.

    Parameters
    ----------
    built : Built
        The lit district.
    written : Written
        Its files and its state.

    Returns
    -------
    list of str
        Plain sentences with units; totals count the parts inside the boundary.
    """
    district, facets = built.district, built.facets
    inside = built.parts[built.inside]
    buildings = inside["building"].nunique()
    label = " - schematic, not survey data" if district.schematic else ""
    roof, facade = _mean(inside, "roof"), _mean(inside, "facade")
    best_roof = inside[inside["roof_area"] >= 100]["roof_kwh_m2"]
    best_facade = inside[inside["facade_area"] >= 100]["facade_kwh_m2"]
    power, energy = inside["pv_kwp"].sum(), inside["pv_kwh"].sum()
    noon = written.state.totals_at(written.moment - pd.Timedelta(hours=11))
    return [
        f"{district.name}{label}",
        f"Buildings  {len(district.buildings):,} building parts modelled; {buildings:,} "
        f"buildings inside the boundary of {district.boundary.area / 1e6:.2f} km2",
        f"Heights    {_heights(district.buildings['height_source'])}",
        f"Weather    {built.weather.source}; {built.weather.annual('ghi'):,.0f} kWh/m2 a "
        f"year on open ground, mean {built.weather.mean_temperature:.1f} degC",
        f"Light      {facets.sensor_count:,} sensors on {len(facets):,} roofs and facades; "
        f"in the district roofs get {roof:,.0f}, facades {facade:,.0f} kWh/m2 a year on "
        "average",
        f"Best       roof {_best(inside, best_roof)}; facades {_best(inside, best_facade)}",
        f"Potential  {scaled(power, 'Wp')} of solar cells on all suitable surfaces of the "
        f"district would make {scaled(energy, 'Wh')} a year",
        f"           {scaled(inside['pv_roof_kwh'].sum(), 'Wh')} of it on roofs, "
        f"{scaled(inside['pv_facade_kwh'].sum(), 'Wh')} on facades; "
        f"{energy / max(power, 1e-9):,.0f} kWh per kWp",
        f"Twin       {len(written.state.model.points):,} meters with one SIMULATED day "
        f"({written.moment - pd.Timedelta(hours=24):%d %B}); {_power(noon)}",
        f"Files      {written.files[0].parent}: open report.html; "
        f"{len(written.files)} files in all",
    ]


def _mean(parts: pd.DataFrame, kind: str) -> float:
    """Return the mean light on roofs or facades, weighted by area [kWh/m2]."""
    area = parts[f"{kind}_area"]
    light = parts[f"{kind}_kwh_m2"].fillna(0.0)
    return float((light * area).sum() / max(area.sum(), 1e-9))


def _heights(source: pd.Series) -> str:
    """Count the heights that are known and those that are assumed."""
    assumed = int(source.str.startswith(ASSUMED).sum())
    kinds = source[~source.str.startswith(ASSUMED)].value_counts()
    told = f"{len(source) - assumed:,} known"
    if len(kinds):
        told += f" (mostly {kinds.index[0]})"
    return f"{told}, {assumed:,} missing or unreliable ones assumed"


def _best(parts: pd.DataFrame, light: pd.Series) -> str:
    """Name the best lit part of at least 100 m2."""
    if light.dropna().empty:
        return "none of 100 m2"
    part = str(light.idxmax())
    return f"{parts['name'][part] or part} with {light.max():,.0f} kWh/m2"


def _power(state: pd.Series) -> str:
    """Tell the power of all panels in the hour from noon on."""
    made, due = -state["pv_power"], -state["pv_power_expected"]
    return (
        f"at 12-13 UTC all panels, surroundings included, made {scaled(made, 'W')} "
        f"(expected {scaled(due, 'W')})"
    )


def scaled(thousands: float, unit: str) -> str:
    """Write a number of thousands of a unit with the prefix that suits its size.

    Examples
    --------
    >>> scaled(12_345.6, "Wh"), scaled(8_930_000, "Wh"), scaled(7.25, "Wp")
    ('12.3 MWh', '8.9 GWh', '7.2 kWp')
    """
    for prefix, factor in (("G", 1e6), ("M", 1e3)):
        if abs(thousands) >= factor:
            return f"{thousands / factor:,.1f} {prefix}{unit}"
    return f"{thousands:,.1f} k{unit}"
