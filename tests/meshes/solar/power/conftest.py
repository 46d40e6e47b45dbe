"""Give tests roofs with light on them."""

from collections.abc import Callable

import numpy as np
import pytest

from meshes.facets import Facets, make_facets
from meshes.solar.irradiance import Irradiation, irradiate
from meshes.solar.occluders import Occluders, solid_occluders
from meshes.solids import lod1_solids

PLACE = {"latitude": 56.041, "longitude": 12.696}


@pytest.fixture(scope="session")
def lit(clear_year) -> Callable[..., Irradiation]:
    """Return a maker of light on facets, by default without reflections."""

    def make(
        facets: Facets, occluders: Occluders | None = None, *, albedo: float = 0.0
    ) -> Irradiation:
        around = solid_occluders(facets.solids) if occluders is None else occluders
        return irradiate(
            facets, around, clear_year, albedo=albedo, facade_albedo=albedo, **PLACE
        )

    return make


@pytest.fixture(scope="session")
def built(blocks) -> Callable[..., Facets]:
    """Return a maker of facets of blocks from polygons and tops."""

    def make(polygons, tops, spacing=1.0) -> Facets:
        table = blocks(polygons, np.zeros(len(polygons)), tops)
        return make_facets(lod1_solids(table), spacing=spacing)

    return make
