"""Give buildings the roofs that surveys show."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from gis.district import District
from gis.errors import SourceError, TableError
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
        district = _fit(district, "points", survey_soundings(district, points=points))
    if surface is not None:
        district = _fit(district, "surface", survey_soundings(district, surface=surface))
    return district


def check_survey(*, points: Path | None = None, surface: Path | None = None) -> Path:
    """Return the one survey that was given.

    Raises
    ------
    TableError
        If none or both are given.
    SourceError
        If there is no such file or folder.
    """
    given = [survey for survey in (points, surface) if survey is not None]
    if len(given) != 1:
        message = (
            "roofs are compared with one survey: give --points (LAS, LAZ, COPC or a folder "
            "of tiles) or --surface (GeoTIFF), such as the one the twin was built from; "
            f"got {'both' if given else 'none'}"
        )
        raise TableError(message)
    if not given[0].exists():
        message = f"the survey must be a file or a folder, {given[0]} is not there"
        raise SourceError(message)
    return given[0]


def survey_soundings(
    district: District, *, points: Path | None = None, surface: Path | None = None
) -> Soundings:
    """Collect what a survey measured on the buildings.

    Parameters
    ----------
    district : District
        Its buildings.
    points : Path, optional
        Point cloud, or a folder of tiles.
    surface : Path, optional
        Surface model; give one of both.

    Returns
    -------
    Soundings
        The same whoever asks: `fit_district` chooses forms by them, and pictures of fits
        show them.

    Raises
    ------
    TableError
        If none or both of the surveys are given.
    HeidiError
        If the survey cannot be read.
    """
    check_survey(points=points, surface=surface)
    buildings = district.buildings
    if surface is not None:
        return soundings_from_surface(buildings, surface)
    assert points is not None, "one of both is given"
    west, south, east, north = map(float, buildings.total_bounds)
    edge = EDGE_POINTS
    reach = (west - edge, south - edge, east + edge, north + edge)
    return soundings_from_points(buildings, open_clouds(points).pieces(reach))


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
