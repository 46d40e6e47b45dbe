"""Hold what all pictures of a district share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.district import District
from gis.errors import TableError
from meshes.facets import Facets
from meshes.render.colours import IrradiationScale, irradiation_scale
from meshes.render.scene import Scene, build_scene
from meshes.render.words import Words, name_words
from meshes.solids import Kind

LEVEL = 0.9999
"""Upward share of a flat roof's normal: falls of up to 0.8 degrees are flat."""


@dataclass(frozen=True)
class Subject:
    """A district, ready to be pictured.

    Attributes
    ----------
    district : District
        Ground, water, trees, names and credits.
    scene : Scene
        Its shapes.
    annual : (n,) float
        Irradiation of each sensor [kWh/m2 a year].
    scale : IrradiationScale
        Its colours.
    trees_shade : bool
        Whether trees were among the occluders of the irradiation.
    light_source : str
        Where the weather of the irradiation is from.
    has_roofs : bool
        Whether any roof slopes.
    """

    district: District
    scene: Scene
    annual: NDArray[np.float64]
    scale: IrradiationScale
    trees_shade: bool
    light_source: str = ""
    has_roofs: bool = False

    @property
    def ground_level(self) -> float:
        """Height of the ground in the middle of the district [m, local]."""
        middle = self.district.boundary.centroid
        level = self.scene.land.terrain.sample(middle.x, middle.y)
        return float(level) - float(self.scene.origin[2])

    @property
    def place(self) -> dict[str, float]:
        """Where the sun is looked up for: latitude and longitude [degrees]."""
        return {"latitude": self.district.latitude, "longitude": self.district.longitude}

    def data_words(self, words: Words, *, film: bool = False) -> str:
        """Return what the irradiation rests on, in sentences, for stills or a film."""
        data = words.data_film if film else words.data
        trees = words.trees_shade if self.trees_shade else words.trees_bare
        more = f" {trees}" if len(self.district.trees) else ""
        return f"{self.model_words(words)} {data}{more}"

    def model_words(self, words: Words) -> str:
        """Return what the shapes of buildings are, in a sentence."""
        return words.model_roofs if self.has_roofs else words.model

    def credit_words(self, words: Words, *, light: bool = False) -> str:
        """Return whom to name, for the irradiation too if its ``light`` is shown."""
        # That the district is schematic has a place of its own.
        sources = [name for name in self.district.credits if "survey data" not in name]
        if light and self.light_source:
            sources.append(self.light_source)
        return words.credit + " · ".join(name_words(sources, words))


def make_subject(
    district: District,
    facets: Facets,
    sensor_annual: ArrayLike,
    *,
    trees_shade: bool = False,
    light_source: str = "",
) -> Subject:
    """Assemble a district and its light for pictures.

    Parameters
    ----------
    district : District
        Ground, water, trees, names and credits.
    facets : Facets
        Its buildings.
    sensor_annual : (n,) float
        Irradiation of each sensor [kWh/m2 a year]; NaN is drawn grey.
    trees_shade : bool
        Whether trees were among the occluders of the irradiation; the captions say so.
    light_source : str
        Where the weather of the irradiation is from.

    Raises
    ------
    TableError
        If there is not one irradiation for each sensor.
    """
    values = np.asarray(sensor_annual, np.float64)
    if values.shape != (facets.sensor_count,):
        message = (
            f"each of the {facets.sensor_count} sensors needs one irradiation, "
            f"got an array of shape {values.shape}; compute it for the same facets"
        )
        raise TableError(message)
    scene = build_scene(district, facets)
    return Subject(
        district,
        scene,
        values,
        irradiation_scale(values),
        trees_shade,
        light_source,
        has_roofs=bool((facets.normal[facets.kind == Kind.ROOF, 2] < LEVEL).any()),
    )
