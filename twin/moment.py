"""Tell what the roofs and facades of a twin get at a moment."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from gis.errors import WeatherError
from meshes.solar.now import NowLight, light_now
from meshes.solids import Kind
from twin.build import Built
from twin.modules import facets_of

KINDS = {"roof": "Roofs", "wall": "Facades"}
PARTS = ("direct", "diffuse", "reflected", "total")


@dataclass(frozen=True)
class Moment:
    """Light on a twin at a moment.

    Attributes
    ----------
    time : Timestamp
        When.
    light : NowLight
        Of all facets.
    facets : DataFrame
        Index ``facet``; ``part``, ``kind``, ``area_m2``, and `PARTS` as ``direct_w_m2``
        and so on [W/m2], of the facets that were asked for.
    """

    time: pd.Timestamp
    light: NowLight
    facets: pd.DataFrame


def read_moment(text: str | None) -> pd.Timestamp:
    """Read a moment, the present by default; raises WeatherError if it is none."""
    if text is None:
        return pd.Timestamp.now(tz="UTC")
    message = (
        f"--time must be a moment with its time zone, got {text!r}; write it as "
        "2026-06-21T12:00+02:00"
    )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WeatherError(message) from error
    if moment.tzinfo is None:
        raise WeatherError(message)
    return pd.Timestamp(moment)


def twin_at(
    built: Built, *, ghi: float, time: pd.Timestamp, building: str | None = None
) -> Moment:
    """Spread a measured value over a twin.

    Parameters
    ----------
    built : Built
        The twin.
    ghi : float
        Light on level ground [W/m2].
    time : Timestamp
        When it was measured, timezone-aware.
    building : str, optional
        Only the facets of this building.

    Raises
    ------
    WeatherError
        If the value cannot be.
    UnknownIdError
        If the twin has no such building.
    """
    district, facets = built.district, built.facets
    light = light_now(
        built.light,
        time=time,
        ghi=ghi,
        latitude=district.latitude,
        longitude=district.longitude,
        grid_convergence=district.grid_convergence,
    )
    table = pd.DataFrame(
        {
            "part": [facets.solids.parts[k] for k in facets.part],
            "kind": [Kind(kind).name.lower() for kind in facets.kind],
            "area_m2": facets.area,
            **{f"{part}_w_m2": getattr(light, part) for part in PARTS},
        },
        index=pd.Index(facets.ids, name="facet"),
    )
    chosen = table if building is None else table.iloc[facets_of(built, building)]
    return Moment(time, light, chosen)


def _means(moment: Moment) -> dict[str, dict[str, float]]:
    """Return means by area of roofs and facades [W/m2], and areas [m2]."""
    means = {}
    for kind, table in moment.facets.groupby("kind"):
        area = table["area_m2"]
        means[str(kind)] = {
            "area_m2": float(area.sum()),
            **{
                part: float((table[f"{part}_w_m2"] * area).sum() / area.sum())
                for part in PARTS
            },
        }
    return {kind: means[kind] for kind in KINDS if kind in means}


def moment_record(moment: Moment) -> dict[str, object]:
    """Return the means for programs."""
    light = moment.light
    return {
        "time": moment.time.isoformat(),
        "sun_elevation_degrees": round(light.elevation, 3),
        "dni_w_m2": round(light.dni, 1),
        "dhi_w_m2": round(light.dhi, 1),
        "unit": "W/m2, means by area",
        **{
            kind: {name: round(value, 2) for name, value in row.items()}
            for kind, row in _means(moment).items()
        },
    }


def moment_lines(moment: Moment) -> list[str]:
    """Return the means for people."""
    light = moment.light
    lines = [
        f"Sun        {light.elevation:.1f} degrees high at {moment.time.isoformat()}",
        f"Light      {light.dni:,.0f} W/m2 beam, {light.dhi:,.0f} W/m2 sky (estimated)",
        f"{'W/m2':<11}" + "".join(f"{part:>11}" for part in PARTS),
    ]
    for kind, row in _means(moment).items():
        told = "".join(f"{row[part]:>11,.0f}" for part in PARTS)
        lines.append(f"{KINDS[kind]:<11}{told}")
    return lines
