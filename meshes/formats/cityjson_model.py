"""Hold a city model of CityJSON as it was read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from meshes.polygons import IntArray, Polygons
from meshes.solids import Solids

Json = Mapping[str, object]


@dataclass(frozen=True)
class CityModel:
    """A city model: its documents to the last value, and its buildings as solids.

    Attributes
    ----------
    name : str
        Of the file.
    documents : tuple of dict
        What the file holds, parsed: one CityJSON document, or the first line and the
        features of CityJSONSeq. Nobody changes them.
    solids : Solids
        The buildings' outer faces, one part a city object with geometry, in order of the
        parts; its origin is a point of ``system``, not of EPSG:3008.
    building : tuple of str
        Of each part the id of the building it belongs to.
    lod : tuple of str
        Of each part the level of detail, ``""`` where none is told.
    geometry : (p,) int
        Of each part the place of its geometry in the list of its city object.
    closed : (p,) bool
        Whether the faces of each part, as the file has them, close without a gap, all
        turned outward.
    surface : (f,) int
        Of each face of ``solids`` the number of its surface among all surfaces of the
        geometry, in the order they are written; -1 for those of a template, which
        several objects share. A surface that was cut has several faces.
    others : Polygons
        Surfaces of all other objects, in the same local frame: bridges, ground, water,
        plants. They bound no volume.
    other_types : tuple of str
        Of each of these surfaces the type of its object, such as ``Bridge``.
    system : CRS or None
        Reference system of the file; None where it states none.
    latitude, longitude : float or None
        Of the middle of the buildings [degrees]; None without a reference system.
    convergence : float
        Angle from true north to the grid's north there, clockwise [degrees].
    notes : tuple of str
        What was repaired, assumed and left out, with counts.
    """

    name: str
    documents: tuple[Json, ...]
    solids: Solids
    building: tuple[str, ...]
    lod: tuple[str, ...]
    geometry: IntArray
    closed: NDArray[np.bool_]
    surface: IntArray
    others: Polygons
    other_types: tuple[str, ...]
    system: CRS | None
    latitude: float | None
    longitude: float | None
    convergence: float
    notes: tuple[str, ...]
