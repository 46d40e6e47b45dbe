"""Cut a district to tiles of a model that is printed in 3D."""

import math
import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gis.crs import HEIGHT_EPSG, PLAN_EPSG
from gis.district import District
from gis.errors import GeometryError, OutputError
from gis.faults import count_things
from gis.files import atomic_path
from meshes.formats.print_body import load_manifold, settle
from meshes.formats.print_cuts import choose_cuts, cut_body
from meshes.formats.print_scene import Box, crop, extents, join_scene
from meshes.formats.stl import stl_bytes
from meshes.formats.threemf import threemf_bytes
from meshes.formats.triangle_mesh import TriangleMesh
from meshes.render.ground import lay_land
from meshes.solids import Solids

MOST_TILES = 26 * 26
"""Rows have letters."""

FORMATS = ("3mf", "stl")


@dataclass(frozen=True)
class PrintTile:
    """A piece that fits the printer's bed.

    Attributes
    ----------
    name : str
        Letter of the row from the north, number of the column from the west: ``A1``.
    mesh : TriangleMesh
        One closed body [mm]: x east, y north, z up from the bed; the corner in the south
        west lies at 0, 0, 0.
    place : (west, south, east, north)
        What it shows, EPSG:3008 [m].
    """

    name: str
    mesh: TriangleMesh
    place: Box

    @property
    def size(self) -> tuple[float, float, float]:
        """Width, depth and height [mm]."""
        x, y, z = np.ptp(self.mesh.vertices, axis=0).tolist()
        return x, y, z


@dataclass(frozen=True)
class PrintModel:
    """All tiles of a printed model.

    Attributes
    ----------
    title : str
        Name of the district.
    scale : float
        Such as 1/1000.
    tiles : tuple of PrintTile
        Row after row from the north west.
    columns : int
        Tiles of a row.
    volume : float
        Of the whole body before it was cut [mm3].
    credits : tuple of str
        Whom to name.
    notes : tuple of str
        What was thickened, filled or left out, in sentences with counts.
    """

    title: str
    scale: float
    tiles: tuple[PrintTile, ...]
    columns: int
    volume: float
    credits: tuple[str, ...]
    notes: tuple[str, ...]

    def text(self) -> str:
        """Return what lies beside the tiles: scale, order, place, notes and credits."""
        names = [tile.name for tile in self.tiles]
        rows = [names[k : k + self.columns] for k in range(0, len(names), self.columns)]
        sizes = [
            f"  {tile.name}: {' x '.join(f'{x:.1f}' for x in tile.size)} mm, "
            f"E {tile.place[0]:.1f}-{tile.place[2]:.1f}, "
            f"N {tile.place[1]:.1f}-{tile.place[3]:.1f}"
            for tile in self.tiles
        ]
        lines = [
            self.title,
            f"Scale 1:{1 / self.scale:.0f}, files in millimetres, north is +y",
            "",
            "Order of the tiles, north up:",
            *("  " + " ".join(f"{name:>4}" for name in row) for row in rows),
            "",
            f"Sizes and places (EPSG:{PLAN_EPSG}, heights EPSG:{HEIGHT_EPSG}):",
            *sizes,
            "",
            "Notes:",
            *(f"  {note}" for note in self.notes),
            "",
            "Credits:",
            *(f"  {credit}" for credit in self.credits),
            "",
        ]
        return "\n".join(lines)


def print_model(
    district: District,
    solids: Solids,
    *,
    scale: float = 1 / 1000,
    plinth_mm: float = 3.0,
    wall_mm: float = 0.8,
    bed_mm: tuple[float, float] = (200.0, 200.0),
    bounds: Box | None = None,
) -> PrintModel:
    """Make one body of ground, water and buildings, and cut it to tiles.

    Parameters
    ----------
    district : District
        Ground, water and bridges.
    solids : Solids
        Its buildings, of any level of detail.
    scale : float
        Printed by real length.
    plinth_mm : float
        Thickness of the block below the lowest ground or water [mm].
    wall_mm : float
        Smallest width of what is printed [mm]: thinner walls, buildings and piers are
        widened to it; buildings a quarter of its square are left out.
    bed_mm : (width, depth)
        Largest tile [mm].
    bounds : (west, south, east, north), optional
        What to print, EPSG:3008 [m]; by default the boundary with 30 m around it. Cut to
        the terrain.

    Returns
    -------
    PrintModel
        Every tile is one closed 2-manifold body with a flat base at 0.

    Raises
    ------
    ComponentError
        If manifold3d is not installed.
    GeometryError
        If sizes are not positive, nothing lies within the bounds, or there would be more
        than 676 tiles.

    Notes
    -----
    Nothing overhangs: buildings, also those with passages, and bridges are filled down
    to the ground, so no supports are needed. Trees are left out. Tiles are cut upright, at
    places that spare buildings where the bed leaves room.
    """
    load_manifold()
    for name, size in (
        ("scale", scale),
        ("plinth_mm", plinth_mm),
        ("wall_mm", wall_mm),
        ("bed_mm", min(bed_mm)),
    ):
        if not (math.isfinite(size) and size > 0):
            message = (
                f"{name} must be above 0, got {size}; give sizes in mm, scale as 1/1000"
            )
            raise GeometryError(message)
    around, box = crop(district, bounds)
    land = lay_land(around)
    factor = 1000.0 * scale
    width, depth = (box[2] - box[0]) * factor, (box[3] - box[1]) * factor
    columns, rows = math.ceil(width / bed_mm[0]), math.ceil(depth / bed_mm[1])
    if columns * rows > MOST_TILES or max(columns, rows) > 26:
        message = (
            f"a printed model must have at most 26 x 26 tiles, 1:{1 / scale:.0f} needs "
            f"{columns} x {rows}; choose a smaller scale, such as 1/2000, or other bounds"
        )
        raise GeometryError(message)
    body, notes = join_scene(around, land, solids, box, scale, plinth_mm, wall_mm)
    ends = extents(solids, box, factor)
    x = choose_cuts(width, columns, bed_mm[0], ends[:, [0, 2]], wall_mm)
    y = choose_cuts(depth, rows, bed_mm[1], ends[:, [1, 3]], wall_mm)
    tiles, pins = [], 0
    for k, piece in enumerate(cut_body(body, x, y)):
        mesh, more = settle(piece)
        pins += more
        row, column = divmod(k, columns)
        west, east = (box[0] + x[column + d] / factor for d in (0, 1))
        south, north = (box[1] + y[rows - 1 - row + d] / factor for d in (0, 1))
        name = f"{string.ascii_uppercase[row]}{column + 1}"
        tiles.append(PrintTile(name, mesh, (west, south, east, north)))
    if pins:
        places = count_things(pins, "place")
        notes.append(f"{places} where bodies only touched along an edge filled with pins")
    notes.append("trees left out: they are too thin to print")
    return PrintModel(
        district.name,
        scale,
        tuple(tiles),
        columns,
        float(body.volume()),
        district.credits,
        tuple(notes),
    )


def write_print(
    model: PrintModel, folder: Path, *, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Write a file per tile and format, with a text of order and credits beside them.

    Parameters
    ----------
    model : PrintModel
    folder : Path
        Must exist.
    formats : sequence of str
        ``3mf``, ``stl``.

    Returns
    -------
    list of Path
        The text first.

    Raises
    ------
    OutputError
        If a format is unknown or the folder cannot be written.

    Notes
    -----
    All hold the same coordinates, bit by bit. Equal models give equal bytes.
    """
    wrong = sorted(set(formats) - set(FORMATS))
    if wrong or not formats:
        message = f"formats of print must be among {', '.join(FORMATS)}, got {wrong}"
        raise OutputError(message)
    stem = _stem(model.title)
    written = [Path(folder) / f"{stem}-print.txt"]
    with atomic_path(written[0]) as temporary:
        temporary.write_text(model.text(), encoding="utf-8", newline="\n")
    ratio = f"1:{1 / model.scale:.0f}"
    for tile in model.tiles:
        for form in formats:
            path = Path(folder) / f"{stem}-{tile.name}.{form}"
            title = f"{model.title}, {ratio}, tile {tile.name}"
            if form == "stl":
                header = f"heidi-twin millimetres z-up {ratio} tile {tile.name}"
                data = stl_bytes(tile.mesh, header=header)
            else:
                data = threemf_bytes(tile.mesh, name=title, metadata=_told(model, title))
            with atomic_path(path) as temporary:
                temporary.write_bytes(data)
            written.append(path)
    return written


def _told(model: PrintModel, title: str) -> dict[str, str]:
    """Return the metadata of a tile."""
    credit = "; ".join(model.credits)
    return {
        "Title": title,
        "Designer": "HEIDI twin",
        "Description": " ".join(f"{note}." for note in model.notes),
        "Copyright": credit,
        "LicenseTerms": f"Name the sources: {credit}" if credit else "",
        "Application": "heidi-twin",
    }


def _stem(title: str) -> str:
    """Return a name of a file in plain letters."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60] or "model"
