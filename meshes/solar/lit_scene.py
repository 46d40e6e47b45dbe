"""Hold a lit scene ready for questions about what is added to it or taken away."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import GeometryError
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.facing import facing_weights
from meshes.solar.irradiance import Irradiation
from meshes.solar.light import Light
from meshes.solar.sun import SunPath
from meshes.solar.visibility import FacetBits, unpack_by_facet


@dataclass(frozen=True)
class Compass:
    """Directions in the order of their azimuth.

    Attributes
    ----------
    direction : (d, 3) float
        Unit vectors.
    azimuth : (d,) float
        Clockwise from north, -pi to pi, rising [radians].
    number : (d,) int
        Their numbers before they were put in order.
    """

    direction: FloatArray
    azimuth: FloatArray
    number: IntArray

    def __len__(self) -> int:
        """Return the number of directions."""
        return len(self.azimuth)


@dataclass(frozen=True)
class Receivers:
    """Facets laid out for the kernel of newcomers, in their own order.

    Attributes
    ----------
    arrays : tuple of array
        Corner, cell along e1, cell along e2 [m], normal, shape, first bit and mask of all
        sensors, as in `meshes.solar.shadow.Caster`.
    boxes : (f, 6) float
        Centre and half extent of each grid [m].
    none : Facets
        No facets at all, to lay out bodies alone with.
    """

    arrays: tuple[NDArray[np.generic], ...]
    boxes: FloatArray
    none: Facets


@dataclass(frozen=True)
class YearOfBeam:
    """The sun's beam over the year, position by position in the order of their bins.

    Attributes
    ----------
    start : (b + 1,) int
        First position of each bin.
    towards : (s, 3) float
        Unit vectors to the sun.
    energy : (s,) float
        Beam on a plane that faces it [kWh/m2].
    month : (s,) int
        0 to 11.
    """

    start: IntArray
    towards: FloatArray
    energy: FloatArray
    month: IntArray


@dataclass(frozen=True)
class LitScene:
    """A lit scene, laid out for quick questions.

    Attributes
    ----------
    light : Irradiation
        A year of light on its facets.
    bits : FacetBits
        Which sensors each direction cannot reach, in the order of ``compass``.
    compass : Compass
        Patches of the sky, numbered first, and bins of the sun.
    receivers : Receivers
        Its facets.
    weights : (m, p) float
        What free planes receive of each patch [sr]: `meshes.solar.facing`.
    plane : (f,) int
        The plane of each facet among them.
    beam : YearOfBeam
        The sun's light.
    radiance : (p, 12) float
        Of the patches by month [kWh/m2/sr].
    """

    light: Irradiation
    bits: FacetBits
    compass: Compass
    receivers: Receivers
    weights: FloatArray
    plane: IntArray
    beam: YearOfBeam
    radiance: FloatArray

    @property
    def annual_radiance(self) -> FloatArray:
        """(p,) float: of the patches over the year [kWh/m2/sr]."""
        annual: FloatArray = self.radiance.sum(axis=1)
        return annual

    @property
    def facets(self) -> Facets:
        """The facets."""
        return self.light.facets


def light_scene(light: Irradiation, bits: FacetBits | None = None) -> LitScene:
    """Lay out a lit scene for questions.

    Parameters
    ----------
    light : Irradiation
        With its visibility, unless ``bits`` are given.
    bits : FacetBits, optional
        Bits in the order of ``compass_of(light)``, as `unpack_by_facet` makes them; by
        default they are unpacked into memory.

    Raises
    ------
    GeometryError
        If there are no bits.
    """
    compass = compass_of(light)
    if bits is None:
        if light.visibility is None:
            message = (
                "the scene must keep its visibility, got light without; take all its facets"
            )
            raise GeometryError(message)
        bits = unpack_by_facet(light.visibility, light.facets, compass.number)
    weights, plane = plane_weights(light)
    return LitScene(
        light,
        bits,
        compass,
        receive(light.facets),
        weights,
        plane,
        year_of_beam(light.light, light.path),
        light.light.monthly_radiance(),
    )


def compass_of(light: Irradiation) -> Compass:
    """Return the patches and sun bins of a scene in the order of their azimuth."""
    return by_azimuth(np.concatenate([light.sky.direction, light.path.bin_direction]))


def by_azimuth(direction: FloatArray) -> Compass:
    """Put directions, (d, 3), in the order of their azimuth."""
    azimuth = np.arctan2(direction[:, 0], direction[:, 1])
    order = np.argsort(azimuth, kind="stable")
    return Compass(np.ascontiguousarray(direction[order]), azimuth[order], order)


def receive(facets: Facets) -> Receivers:
    """Lay out facets for the kernel."""
    cell1, cell2 = facets.e1 * facets.step[:, :1], facets.e2 * facets.step[:, 1:]
    side1, side2 = cell1 * facets.shape[:, :1], cell2 * facets.shape[:, 1:]
    centre = facets.corner + (side1 + side2) / 2
    half = (np.abs(side1) + np.abs(side2)) / 2
    arrays = (
        facets.corner,
        cell1,
        cell2,
        facets.normal,
        facets.shape,
        facets.bit_start,
        facets.mask,
    )
    return Receivers(
        tuple(np.ascontiguousarray(array) for array in arrays),
        np.hstack([centre, half]),
        facets.take(np.empty(0, np.int64)),
    )


def plane_weights(light: Irradiation) -> tuple[FloatArray, IntArray]:
    """Return what each distinct plane receives of each patch, and the plane of facets."""
    normals = light.facets.normal.round(9)
    planes, which = np.unique(normals, axis=0, return_inverse=True)
    return facing_weights(planes, light.sky), which.reshape(-1)


def year_of_beam(light: Light, path: SunPath) -> YearOfBeam:
    """Put the sun's positions in the order of their bins."""
    order = np.argsort(path.bin, kind="stable")
    return YearOfBeam(
        start=np.searchsorted(path.bin[order], np.arange(len(path.bin_direction) + 1)),
        towards=path.direction[order],
        energy=(light.beam[path.hour] * path.share)[order] * (light.step / 1000.0),
        month=light.month[path.hour][order],
    )
