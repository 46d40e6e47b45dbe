"""Write a twin's model in the formats that other tools read."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

import pandas as pd

from gis.errors import GeometryError, OutputError
from gis.faults import name_some
from gis.files import check_ending
from meshes.formats.cityjson import write_cityjson
from meshes.formats.gltf import write_glb
from meshes.formats.obj import write_obj
from meshes.formats.ply import write_ply
from meshes.formats.print3d import PrintModel, print_model, write_print
from meshes.formats.stl import write_stl
from meshes.formats.surroundings import Surroundings, surroundings
from meshes.formats.tiles3d import write_tiles
from meshes.predicates import invalid_parts
from twin.build import Built, face_results


class Look(StrEnum):
    """What the colours of an exported model show."""

    FACETS = "facets"
    SENSORS = "sensors"
    PLAIN = "plain"


def export_gltf(
    built: Built, path: Path, *, look: Look = Look.FACETS, with_ground: bool = True
) -> None:
    """Write the district as one glTF file.

    Parameters
    ----------
    built : Built
        A lit district.
    path : Path
        Ends in ``.glb``.
    look : Look
        A colour for each roof and wall, for each sensor, or white.
    with_ground : bool
        Whether ground, water and trees are in it.

    Raises
    ------
    OutputError
        If the file is called otherwise or cannot be written.
    """
    check_ending(path, (".glb",))
    _check_bodies(built)
    district, light = built.district, built.light
    write_glb(
        path,
        built.solids if look is Look.PLAIN else built.facets,
        values=light.facet_annual if look is Look.FACETS else None,
        sensor_values=light.sensor_annual if look is Look.SENSORS else None,
        attributes=part_properties(built),
        around=_around(built) if with_ground else None,
        title=district.name,
        credits=district.credits,
    )


def export_tiles(
    built: Built, folder: Path, *, geoid: float, with_ground: bool = True
) -> None:
    """Write the district as 3D Tiles.

    Parameters
    ----------
    built : Built
        A lit district.
    folder : Path
        New, empty, or an earlier tileset.
    geoid : float
        Height of RH2000's zero above the ellipsoid at the district [m].
    with_ground : bool
        Whether ground, water and trees are in it.

    Raises
    ------
    OutputError
        If the folder holds something else or cannot be written.
    """
    _check_bodies(built)
    district = built.district
    write_tiles(
        folder,
        built.facets,
        values=built.light.facet_annual,
        attributes=part_properties(built),
        around=_around(built) if with_ground else None,
        title=district.name,
        credits=district.credits,
        geoid=geoid,
    )


def export_cityjson(built: Built, path: Path, *, with_ground: bool = True) -> None:
    """Write the district as CityJSON 2.0, or a line a building (CityJSONSeq).

    Parameters
    ----------
    built : Built
        A lit district.
    path : Path
        Ends in ``.json`` or ``.jsonl``.
    with_ground : bool
        Whether ground, water and trees are in it, as objects of their own types.

    Raises
    ------
    OutputError
        If the file is called otherwise or cannot be written.
    """
    check_ending(path, (".json", ".jsonl"))
    write_cityjson(
        path,
        built.district,
        built.solids,
        attributes=built.buildings.drop(columns=["name", "use", "height"]),
        surfaces=face_results(built),
        lod=built.roofs.table["lod"].tolist(),
        surroundings=_around(built) if with_ground else None,
    )


MESH_FORMATS: Mapping[str, Callable[..., None]] = {
    ".obj": write_obj,
    ".ply": write_ply,
}


def export_mesh(built: Built, path: Path) -> None:
    """Write buildings as a plain mesh: OBJ, PLY or STL by the name of the file.

    Parameters
    ----------
    built : Built
        A lit district.
    path : Path
        Ends in ``.obj``, ``.ply`` (both with the light as colour) or ``.stl`` (shape only).

    Raises
    ------
    OutputError
        If the file is called otherwise or cannot be written.
    """
    check_ending(path, (*MESH_FORMATS, ".stl"))
    _check_bodies(built)
    if path.suffix.lower() == ".stl":
        write_stl(path, built.solids)
        return
    MESH_FORMATS[path.suffix.lower()](
        path,
        built.facets,
        values=built.light.facet_annual,
        title=built.district.name,
        credits=built.district.credits,
    )


def export_print(
    built: Built, folder: Path, *, scale: float, bed: tuple[float, float], wall: float
) -> PrintModel:
    """Write watertight tiles for a 3D printer, as 3MF and STL.

    Parameters
    ----------
    built : Built
        A district.
    folder : Path
        Made if missing.
    scale : float
        Such as 1/2000.
    bed : (float, float)
        Largest tile [mm].
    wall : float
        Least thickness of walls [mm].

    Returns
    -------
    PrintModel
        The tiles, with notes on what was thickened or left out.

    Raises
    ------
    ComponentError
        If manifold3d is not installed.
    OutputError
        If the folder cannot be written.
    """
    _check_bodies(built)
    model = print_model(built.district, built.solids, scale=scale, wall_mm=wall, bed_mm=bed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make {folder}: {error.strerror}; choose another --out"
        raise OutputError(message) from error
    write_print(model, folder)
    return model


def part_properties(built: Built) -> pd.DataFrame:
    """Return what an exported model tells of each building part.

    Parameters
    ----------
    built : Built
        A lit district.

    Returns
    -------
    DataFrame
        Index ``part``: identity, name, use, year, height and its source, and results.
    """
    columns = ("building", "name", "use", "year", "height", "height_source", "lod")
    results = ("roof_kwh_m2", "facade_kwh_m2", "pv_kwp", "pv_kwh")
    return built.parts[[*columns, *results]]


def _around(built: Built) -> Surroundings:
    """Ground, water and trees in the frame of the solids."""
    return surroundings(built.district, origin=built.solids.origin)


def _check_bodies(built: Built) -> None:
    """Refuse to hand on bodies with faults."""
    bad = [built.solids.parts[k] for k in invalid_parts(built.solids)]
    if bad:
        message = (
            f"bodies must be sound to be written, {len(bad)} are not ({name_some(bad)}); "
            "see heidi check"
        )
        raise GeometryError(message)
