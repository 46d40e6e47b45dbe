"""Give every face of the buildings an id, a value, a colour."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import TableError
from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.render.colours import MISSING, IrradiationScale, hex_srgb, irradiation_scale
from meshes.render.looks import DATA, MODEL
from meshes.solids import Kind, Solids

KIND_NAMES = {kind: kind.name.lower() for kind in Kind}


@dataclass(frozen=True)
class PaintedFaces:
    """Faces of buildings with what viewers show and tell of them.

    Attributes
    ----------
    solids : Solids
        The faces; all that follows is in their order.
    ids : (f,) str
        Name of each face: that of its facet, else its part, kind and place in the part.
    facet : (f,) int
        Facet of each face, -1 for none: faces without sensors get no light.
    area : (f,) float
        Area above ground where a face is a facet, else its whole area [m2].
    irradiation : (f,) float
        [kWh/m2 a year]; NaN where there is none.
    colour : (f, 3) float32
        sRGB 0..1.
    scale : IrradiationScale or None
        What the colours mean; None where they only tell roofs from walls.
    """

    solids: Solids
    ids: NDArray[np.str_]
    facet: IntArray
    area: FloatArray
    irradiation: FloatArray
    colour: Float32Array
    scale: IrradiationScale | None

    def take(self, parts: IntArray) -> "PaintedFaces":
        """Return the faces of some parts, numbered anew in the given order."""
        solids = self.solids
        place = np.full(len(solids.parts), -1, np.int32)
        place[parts] = np.arange(len(parts), dtype=np.int32)
        owner = place[solids.part]
        order = np.argsort(owner, kind="stable")
        chosen = order[owner[order] >= 0]
        return PaintedFaces(
            solids=Solids(
                faces=solids.faces.take(chosen),
                kind=solids.kind[chosen],
                part=owner[chosen],
                parts=tuple(solids.parts[k] for k in parts),
                origin=solids.origin,
            ),
            ids=self.ids[chosen],
            facet=self.facet[chosen],
            area=self.area[chosen],
            irradiation=self.irradiation[chosen],
            colour=self.colour[chosen],
            scale=self.scale,
        )


def paint_faces(
    model: Facets | Solids,
    *,
    values: ArrayLike | None = None,
    scale: IrradiationScale | None = None,
) -> PaintedFaces:
    """Colour the faces by their irradiation.

    Parameters
    ----------
    model : Facets or Solids
        The buildings; of solids alone every face counts.
    values : (n,) float, optional
        Irradiation of each facet, or of each face of solids [kWh/m2 a year]; NaN unknown.
        Without it faces get the paper tones of the pictures.
    scale : IrradiationScale, optional
        Colours; by default those of all pictures of the twin.

    Raises
    ------
    TableError
        If there are not as many values as facets, or one is negative or infinite.
    """
    solids = model.solids if isinstance(model, Facets) else model
    count = len(solids.faces)
    facet = np.full(count, -1, np.int64)
    area, ids = solids.faces.area.copy(), _names(solids)
    lit = np.arange(count)
    if isinstance(model, Facets):
        lit = model.face
        facet[lit] = np.arange(len(model))
        area[lit] = model.area
        named = ids.astype(object)
        named[lit] = model.ids
        ids = named.astype(np.str_)
    known = np.full(count, np.nan)
    if values is None:
        return PaintedFaces(solids, ids, facet, area, known, _plain(solids), None)
    given = np.asarray(values, np.float64)
    _check(given, len(lit))
    known[lit] = given
    chosen = irradiation_scale(known) if scale is None else scale
    return PaintedFaces(solids, ids, facet, area, known, chosen.srgb(known), chosen)


def missing_colour() -> Float32Array:
    """Return the colour of faces without a value, (3,) sRGB 0..1."""
    return hex_srgb(MISSING)


def _names(solids: Solids) -> NDArray[np.str_]:
    """Name each face after its part, its kind and its place in the part."""
    part = solids.part.astype(np.int64)
    order = np.argsort(part, kind="stable")
    place = np.empty(len(part), np.int64)
    place[order] = np.arange(len(part)) - np.searchsorted(part[order], part[order])
    return np.array(
        [
            f"{solids.parts[p]}-{KIND_NAMES[Kind(kind)]}-{k}"
            for p, kind, k in zip(part, solids.kind, place, strict=True)
        ],
        dtype=np.str_,
    )


def _plain(solids: Solids) -> Float32Array:
    """Return the tones of the white model."""
    tones = np.array([hex_srgb(DATA.wall)] * len(Kind))
    tones[Kind.ROOF] = hex_srgb(MODEL.roof)
    return tones[solids.kind].astype(np.float32)


def _check(values: FloatArray, count: int) -> None:
    """Refuse values of another model."""
    if values.shape != (count,):
        message = (
            f"there must be one value per facet, {count}, got an array of shape "
            f"{values.shape}; give Irradiation.facet_annual of the same facets"
        )
        raise TableError(message)
    bad = np.isinf(values) | (values < 0)
    if bad.any():
        message = (
            "irradiation must be 0 kWh/m2 or more, or missing, got "
            f"{values[bad][0]} and {int(bad.sum()) - 1} more such values"
        )
        raise TableError(message)
