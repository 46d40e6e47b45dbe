"""Compute a year of light on a city model of any place."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd

from gis.errors import CrsError, UnknownIdError
from gis.faults import name_some
from gis.weather import Weather
from meshes.facets import Facets, make_facets
from meshes.formats.cityjson_model import CityModel
from meshes.formats.cityjson_write import CityResults
from meshes.polygons import FloatArray, IntArray, Polygons
from meshes.solar.gather import Progress
from meshes.solar.irradiance import Irradiation, irradiate
from meshes.solar.occluders import Occluders, open_occluders, solid_occluders
from meshes.solids import Kind, Solids

NO_SHADE = (
    "LandUse",
    "PlantCover",
    "Railway",
    "Road",
    "SolitaryVegetationObject",
    "TINRelief",
    "TransportSquare",
    "WaterBody",
    "Waterway",
)
"""Objects that stop no light unless asked for: ground, which lies below what it could
shade, and plants, which let light through but are modelled as full bodies."""


def light_city_model(
    model: CityModel,
    weather: Weather,
    *,
    spacing: float = 1.0,
    parts: Collection[str] | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
    shade_of_all: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Irradiation:
    """Compute a year of irradiation on the roofs and walls of a city model.

    Parameters
    ----------
    model : CityModel
        Where the light is received, and what blocks it.
    weather : Weather
        One year of hours of that place.
    spacing : float
        Largest distance between sensors [m].
    parts : collection of str, optional
        Building parts that receive light; all by default. All of them block it.
    latitude, longitude : float, optional
        Place [degrees]; by default that of the model, and needed where it states no
        reference system.
    shade_of_all : bool
        Whether the objects of `NO_SHADE` block light too. Ground in hills does; it takes
        time, because each of its triangles is drawn for every direction.
    threads : int, optional
        Working threads; all processors by default.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    Irradiation
        Its facets lie in a frame turned to true north; ``facets.face`` counts the faces of
        ``model.solids``.

    Raises
    ------
    CrsError
        If neither the model nor the caller tells the place.
    UnknownIdError
        If the model has no such part.
    """
    latitude = model.latitude if latitude is None else latitude
    longitude = model.longitude if longitude is None else longitude
    if latitude is None or longitude is None:
        message = (
            f"light needs the place, {model.name} states no reference system; "
            "give latitude and longitude"
        )
        raise CrsError(message)
    solids = replace(
        model.solids, faces=_to_true_north(model.solids.faces, model.convergence)
    )
    facets = make_facets(solids, spacing=spacing)
    if parts is not None:
        facets = facets.take(_facets_of(facets, parts, model.name))
    return irradiate(
        facets,
        _occluders(model, solids, shade_of_all=shade_of_all),
        weather,
        latitude=latitude,
        longitude=longitude,
        threads=threads,
        progress=progress,
    )


def light_results(model: CityModel, light: Irradiation) -> CityResults:
    """Sum up light for every object and face of a city model.

    Parameters
    ----------
    model : CityModel
        The model.
    light : Irradiation
        As `light_city_model` gives it for this model.

    Returns
    -------
    CityResults
        Of objects ``roof_area_m2, roof_irradiation_kwh_m2`` (mean over the area),
        ``roof_irradiation_kwh`` and the same of walls, for parts and the buildings they
        belong to; of faces ``irradiation_kwh_m2`` and ``sky_view`` (share).
    """
    facets = light.facets
    count = len(model.solids.faces)
    faces = pd.DataFrame(
        {
            "irradiation_kwh_m2": _spread(light.facet_annual, facets.face, count),
            "sky_view": _spread(light.facet_sky_view, facets.face, count),
        }
    )
    parts = pd.Index(model.solids.parts)
    owner = pd.DataFrame(
        {
            "part": parts[facets.part],
            "building": np.array(model.building, object)[facets.part],
            "kind": facets.kind,
            "area_m2": facets.area,
            "irradiation_kwh": facets.area * light.facet_annual,
        }
    )
    both = pd.concat(
        [
            owner.assign(object=owner["part"]),
            owner[owner["part"] != owner["building"]].assign(
                object=lambda rows: rows["building"]
            ),
        ]
    )
    table = pd.DataFrame(index=pd.Index(both["object"].unique(), name="object"))
    for kind, name in ((Kind.ROOF, "roof"), (Kind.WALL, "wall")):
        chosen = both[both["kind"] == kind].groupby("object", sort=False)
        sums = chosen[["area_m2", "irradiation_kwh"]].sum().reindex(table.index)
        table[f"{name}_area_m2"] = sums["area_m2"]
        table[f"{name}_irradiation_kwh_m2"] = sums["irradiation_kwh"] / sums["area_m2"]
        table[f"{name}_irradiation_kwh"] = sums["irradiation_kwh"]
    return CityResults(objects=table, faces=faces)


def _facets_of(facets: Facets, parts: Collection[str], name: str) -> IntArray:
    """Return the facets of some parts."""
    unknown = set(parts) - set(facets.solids.parts)
    if unknown:
        message = (
            f"parts must be those of {name}, got {name_some(sorted(unknown))}; "
            "take them from its solids"
        )
        raise UnknownIdError(message)
    wanted = set(parts)
    chosen = np.array([part in wanted for part in facets.solids.parts])
    return np.flatnonzero(chosen[facets.part])


def _spread(values: FloatArray, face: IntArray, count: int) -> FloatArray:
    """Return the values of facets by face, NaN where a face is none."""
    spread = np.full(count, np.nan)
    spread[face] = values
    return spread


def _to_true_north(polygons: Polygons, convergence: float) -> Polygons:
    """Turn polygons about the vertical so that y points to true north."""
    angle = np.radians(convergence)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return replace(
        polygons, vertices=polygons.vertices @ turn.T, normal=polygons.normal @ turn.T
    )


def _occluders(model: CityModel, solids: Solids, *, shade_of_all: bool) -> Occluders:
    """Return what blocks light: closed solids by their outside, all else by both sides."""
    side = model.closed[solids.part].astype(np.int8)
    blocks = [shade_of_all or kind not in NO_SHADE for kind in model.other_types]
    others = model.others.take(np.flatnonzero(blocks))
    others = _to_true_north(others, model.convergence)
    return replace(solid_occluders(solids), side=side) + open_occluders(others)
