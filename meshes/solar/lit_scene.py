"""Hold a lit scene ready for questions about what is added to it or taken away."""

from dataclasses import dataclass, replace

import numpy as np

from gis.errors import GeometryError
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.cast_words import Compass, Receivers, by_azimuth, receive
from meshes.solar.facing import facing_weights
from meshes.solar.gather import BeamCourse, follow_beam
from meshes.solar.irradiance import Irradiation
from meshes.solar.lit_crowns import LitCrowns, unpack_crowns
from meshes.solar.visibility import FacetBits, unpack_by_facet


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
    beam : BeamCourse
        The sun's light.
    radiance : (p, 12) float
        Of the patches by month [kWh/m2/sr].
    crowns : LitCrowns or None
        Trees that weaken the light; None without trees.
    """

    light: Irradiation
    bits: FacetBits
    compass: Compass
    receivers: Receivers
    weights: FloatArray
    plane: IntArray
    beam: BeamCourse
    radiance: FloatArray
    crowns: LitCrowns | None = None

    @property
    def annual_radiance(self) -> FloatArray:
        """(p,) float: of the patches over the year [kWh/m2/sr]."""
        annual: FloatArray = self.radiance.sum(axis=1)
        return annual

    @property
    def facets(self) -> Facets:
        """The facets."""
        return self.light.facets


def light_scene(
    light: Irradiation, bits: FacetBits | None = None, crowns: LitCrowns | None = None
) -> LitScene:
    """Lay out a lit scene for questions.

    Parameters
    ----------
    light : Irradiation
        With its visibility, unless ``bits`` are given.
    bits : FacetBits, optional
        Bits in the order of ``compass_of(light)``, as `unpack_by_facet` makes them; by
        default they are unpacked into memory.
    crowns : LitCrowns, optional
        Crowns of its trees; by default those of the light are unpacked.

    Raises
    ------
    GeometryError
        If there are no bits, or none of the trees.
    """
    compass = compass_of(light)
    if bits is None:
        if light.visibility is None:
            message = (
                "the scene must keep its visibility, got light without; take all its facets"
            )
            raise GeometryError(message)
        bits = unpack_by_facet(light.visibility, light.facets, compass.number)
    if crowns is None and light.crowns is not None:
        if light.crowns.bits is None:
            message = (
                "the scene must keep the bits of its trees, got light without; take all "
                "its facets"
            )
            raise GeometryError(message)
        crowns = unpack_crowns(light.crowns.bits, light.facets, compass.number)
    weights, plane = plane_weights(light)
    return LitScene(
        light,
        bits,
        compass,
        receive(light.facets),
        weights,
        plane,
        follow_beam(light.light, light.path),
        light.light.monthly_radiance(),
        crowns,
    )


def scene_like(scene: LitScene, light: Irradiation, bits: FacetBits) -> LitScene:
    """Lay out light without trees on other facets under the same sun and sky.

    ``bits`` are in the order of the scene's compass.
    """
    weights, plane = plane_weights(light)
    return replace(
        scene,
        light=light,
        bits=bits,
        receivers=receive(light.facets),
        weights=weights,
        plane=plane,
        crowns=None,
    )


def compass_of(light: Irradiation) -> Compass:
    """Return the patches and sun bins of a scene in the order of their azimuth."""
    return by_azimuth(np.concatenate([light.sky.direction, light.path.bin_direction]))


def plane_weights(light: Irradiation) -> tuple[FloatArray, IntArray]:
    """Return what each distinct plane receives of each patch, and the plane of facets."""
    normals = light.facets.normal.round(9)
    planes, which = np.unique(normals, axis=0, return_inverse=True)
    return facing_weights(planes, light.sky), which.reshape(-1)
