"""Give buildings the roofs that surveys show."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np

from gis.district import District
from gis.faults import count_things
from gis.surveys import EDGE_POINTS, open_clouds
from meshes.roofs.fit import FITTED, fit_roofs
from meshes.roofs.soundings import (
    Soundings,
    soundings_from_points,
    soundings_from_surface,
)


def fit_district(
    district: District,
    *,
    points: Path | None = None,
    surface: Path | None = None,
) -> District:
    """Fit roofs to the survey that told the heights.

    Parameters
    ----------
    district : District
        As `gis.assemble.assemble_district` made it of the same surveys.
    points : Path, optional
        Point cloud, or a folder of tiles; comes first.
    surface : Path, optional
        Surface model.

    Returns
    -------
    District
        With form, direction, orientation, eaves and ridge of the roofs that could be
        fitted, ``roof_source`` telling survey and error. Forms that a source stated stay,
        and so do buildings whose height is not of the survey: it may be older than they.

    Raises
    ------
    HeidiError
        If a survey cannot be read.
    """
    if points is not None:
        district = _fit(district, "points", _of_points(district.buildings, points))
    if surface is not None:
        district = _fit(district, "surface", _of_surface(district.buildings, surface))
    return district


def _of_points(buildings: gpd.GeoDataFrame, path: Path) -> Soundings:
    """Points of the cloud on the buildings."""
    west, south, east, north = buildings.total_bounds
    edge = EDGE_POINTS
    reach = (
        float(west) - edge,
        float(south) - edge,
        float(east) + edge,
        float(north) + edge,
    )
    return soundings_from_points(buildings, open_clouds(path).pieces(reach))


def _of_surface(buildings: gpd.GeoDataFrame, path: Path) -> Soundings:
    """Cells of the surface model on the buildings."""
    return soundings_from_surface(buildings, path)


def _fit(district: District, kind: str, soundings: Soundings) -> District:
    """Take over what fits, where the height is of that survey and no form is stated."""
    buildings = district.buildings
    fitted, notes = fit_roofs(buildings, soundings)
    good = (
        (fitted["roof_fit"] == FITTED)
        & (buildings["roof_shape"] == "")
        & buildings["height_source"].str.startswith(f"{kind}: ")
    ).to_numpy()
    ground = buildings["top"] - buildings["height"]
    sloped = good & (fitted["roof_shape"] != "flat").to_numpy()
    name = buildings["height_source"].str.removeprefix(f"{kind}: ")
    error = fitted["residual"].map("{:.2f}".format)
    source = f"fitted to {kind}, " + name + ", error " + error + " m"
    changed = buildings.assign(
        roof_shape=np.where(good, fitted["roof_shape"], buildings["roof_shape"]),
        roof_orientation=np.where(
            sloped, fitted["roof_orientation"], buildings["roof_orientation"]
        ),
        roof_direction=np.where(
            sloped, fitted["roof_direction"], buildings["roof_direction"]
        ),
        eaves=np.where(sloped, fitted["eaves"] - ground, buildings["eaves"]),
        ridge=np.where(sloped, fitted["top"] - ground, buildings["ridge"]),
        roof_source=np.where(good, source, buildings["roof_source"]),
    )
    told = (
        f"{count_things(int(sloped.sum()), 'roof')} fitted to {kind}, "
        f"{count_things(int((good & ~sloped).sum()), 'roof')} found flat",
        *notes,
    )
    return replace(district, buildings=changed, notes=(*district.notes, *told))
