"""Bake the light of sensors into one picture that wraps the facets."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from gis.errors import TableError
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.render.colours import STEPS, IrradiationScale, irradiation_scale, palette

GUTTER = 1
"""Texels around each facet that repeat its edge, so that neighbours do not bleed in."""

WIDEST = 4096
"""Longest side of a picture that phones can show [texels]."""


@dataclass(frozen=True)
class Atlas:
    """Grids of sensors side by side in one picture.

    Attributes
    ----------
    steps : (rows, columns) uint8
        Colour of each texel, a row of `meshes.render.colours.palette`; row 0 on top.
    place : (f, 2) int
        Column and row of each facet's first texel, behind its gutter.
    coarseness : int
        Sensor cells that a texel spans along each axis; 1 shows every sensor.
    facets : Facets
        Whose light it is.
    scale : IrradiationScale
        What the colours mean.
    """

    steps: NDArray[np.uint8]
    place: IntArray
    coarseness: int
    facets: Facets
    scale: IrradiationScale

    def coordinates(self, points: FloatArray, facet: IntArray) -> FloatArray:
        """Return where points of facets lie in the picture, (n, 2) float 0..1.

        Parameters
        ----------
        points : (n, 3) float
            Points on the facets [m], relative to the local origin.
        facet : (n,) int
            Facet of each.

        Returns
        -------
        (n, 2) float
            Rightwards and downwards from the upper left corner, as in glTF.
        """
        facets = self.facets
        offset = points - facets.corner[facet]
        along = np.stack(
            [
                np.einsum("nx,nx->n", offset, facets.e1[facet]),
                np.einsum("nx,nx->n", offset, facets.e2[facet]),
            ],
            axis=1,
        )
        cells = np.clip(along / facets.step[facet], 0, facets.shape[facet])
        size = np.array(self.steps.shape[::-1], np.float64)
        found: FloatArray = (self.place[facet] + cells / self.coarseness) / size
        return found

    def png(self) -> bytes:
        """Return the picture as a PNG with a palette."""
        picture = Image.fromarray(self.steps)
        picture.putpalette(np.rint(palette() * 255).astype(np.uint8).tobytes())
        stream = io.BytesIO()
        picture.save(stream, "PNG", compress_level=9)
        return stream.getvalue()


def bake_atlas(
    facets: Facets,
    sensor_values: ArrayLike,
    *,
    scale: IrradiationScale | None = None,
    widest: int = WIDEST,
) -> Atlas:
    """Lay the sensors of all facets into one picture.

    Parameters
    ----------
    facets : Facets
        They carry the n sensors.
    sensor_values : (n,) float
        Irradiation of each sensor [kWh/m2 a year], none missing.
    scale : IrradiationScale, optional
        Colours; by default those of all pictures of the twin.
    widest : int
        Longest side of the picture [texels]; where the sensors do not fit, each texel
        takes the mean of 2 x 2, 3 x 3, ... cells of its facet.

    Raises
    ------
    TableError
        If there are not as many values as sensors, one is missing, or the facets do not
        fit even as single texels.
    """
    values = np.asarray(sensor_values, np.float64)
    if values.shape != (facets.sensor_count,) or not np.isfinite(values).all():
        message = (
            f"there must be one known value per sensor, {facets.sensor_count}, got an "
            f"array of shape {values.shape}; give Irradiation.sensor_annual"
        )
        raise TableError(message)
    chosen = irradiation_scale(values) if scale is None else scale
    coarsest = int(facets.shape.max(initial=1))
    for coarseness in range(1, coarsest + 1):
        size = -(-facets.shape // coarseness)
        width = _width(size)
        place, height = _pack(size + 2 * GUTTER, width)
        if max(width, height) <= widest:
            break
    else:
        message = (
            f"a picture of {widest} texels a side must hold all facets, got "
            f"{len(facets)} of them; write fewer buildings to a file"
        )
        raise TableError(message)
    steps = np.zeros((height, width), np.uint8)
    shares = np.clip(values / chosen.top, 0, 1) * (STEPS - 1)
    for f in range(len(facets)):
        x, y = place[f]
        wide, tall = size[f] + 2 * GUTTER
        texels = _texels(facets, f, shares, coarseness)
        steps[y : y + tall, x : x + wide] = np.pad(texels, GUTTER, mode="edge")
    return Atlas(steps, place + GUTTER, coarseness, facets, chosen)


def _width(size: IntArray) -> int:
    """Return a power of two that makes the picture about square and holds every facet."""
    framed = size + 2 * GUTTER
    side = max(float(framed.prod(axis=1).sum()) ** 0.5, float(framed[:, 0].max(initial=4)))
    return int(2 ** np.ceil(np.log2(side)))


def _pack(size: IntArray, width: int) -> tuple[IntArray, int]:
    """Set rectangles on shelves, the tallest first; return their corners and the height."""
    place = np.zeros_like(size)
    x = y = shelf = 0
    for k in np.lexsort((-size[:, 0], -size[:, 1])):
        if x + size[k, 0] > width:
            x, y, shelf = 0, y + shelf, 0
        place[k] = x, y
        x += size[k, 0]
        shelf = max(shelf, int(size[k, 1]))
    return place, max(int(y + shelf), 1)


def _texels(
    facets: Facets, facet: int, shares: FloatArray, coarseness: int
) -> NDArray[np.uint8]:
    """Return the texels of one facet; cells without sensor take the nearest one's."""
    columns, rows = facets.shape[facet]
    sensors = slice(facets.sensor_start[facet], facets.sensor_start[facet + 1])
    row, column = np.divmod(facets.sensor_bit[sensors] - facets.bit_start[facet], columns)
    wide, tall = -(-columns // coarseness), -(-rows // coarseness)
    texel = (row // coarseness) * wide + column // coarseness
    count = np.bincount(texel, minlength=wide * tall).reshape(tall, wide)
    total = np.bincount(texel, shares[sensors], minlength=wide * tall).reshape(tall, wide)
    empty = count == 0
    mean = np.divide(total, count, out=np.zeros_like(total), where=~empty)
    steps = np.rint(mean).astype(np.uint8)
    if empty.any():
        near = distance_transform_edt(empty, return_distances=False, return_indices=True)
        steps = steps[tuple(near)]
    return steps
