"""Give tests of edits a small town, and what a new run of it finds."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from gis.typical_year import typical_year
from meshes.crowns import Crowns
from meshes.facets import Facets, make_facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.edits import Standing, add, change, remove
from meshes.solar.irradiance import Irradiation, irradiate
from meshes.solar.occluders import Occluders, solid_occluders
from meshes.solar.sky import SkyPatches, reinhart_patches
from meshes.solar.visibility import unpack_by_facet
from meshes.solids import lod1_solids

SETTING = {
    "latitude": 56.04,
    "longitude": 12.69,
    "albedo": 0.0,
    "facade_albedo": 0.0,
    "bin_degrees": 6.0,
}


@dataclass(frozen=True)
class Town:
    """Some blocks of a pool, coarsely lit; the others wait to be built."""

    pool: pd.DataFrame
    here: list[str]
    waiting: list[str]
    origin: FloatArray = field(default_factory=lambda: np.array([40.0, 40.0, 0.0]))

    @classmethod
    def of(cls, pool: pd.DataFrame, standing: int) -> "Town":
        """Let the first blocks of a pool stand."""
        return cls(pool, list(pool.index[:standing]), list(pool.index[standing:]))

    def lit(
        self,
        sky: SkyPatches,
        crowns: Crowns | None = None,
        bodies: Iterable[Occluders] = (),
    ) -> tuple[Irradiation, Occluders]:
        """Light what stands, with trees and other bodies, from nothing."""
        solids = lod1_solids(self.pool.loc[self.here], origin=self.origin)
        occluders = solid_occluders(solids)
        for body in bodies:
            occluders += body
        facets = make_facets(solids, spacing=2.5)
        light = irradiate(
            facets, occluders, typical_year(), sky=sky, crowns=crowns, **SETTING
        )
        return light, occluders

    def raised(self, name: str) -> tuple[Occluders, Facets]:
        """Return a building's faces as bodies and as facets."""
        solids = lod1_solids(self.pool.loc[[name]], origin=self.origin)
        return solid_occluders(solids), make_facets(solids, spacing=2.5)

    def edit(self, standing: Standing, what: str, number: int) -> Standing:
        """Add, remove or change a building where that can be done."""
        if what == "add" and self.waiting:
            self.here.append(self.waiting.pop())
            return add(standing, *self.raised(self.here[-1]))
        if what == "remove" and len(self.here) > 1:
            return remove(standing, [self.here.pop(number % len(self.here))])
        if what == "change" and self.waiting:
            gone = self.here.pop(number % len(self.here))
            self.here.append(self.waiting.pop())
            return change(standing, [gone], *self.raised(self.here[-1]))
        return standing


@pytest.fixture(scope="session")
def town_of():
    """Return a maker of towns from a pool of blocks and the number that stand."""
    return Town.of


@pytest.fixture(scope="session")
def coarse_sky() -> SkyPatches:
    return reinhart_patches(1)


@pytest.fixture(scope="session")
def same_bits():
    """Return a check that opaque bits are those of a new run; it tells the order."""

    def check(standing: Standing, whole: Irradiation) -> IntArray:
        found, bits = standing.light, standing.scene.bits
        assert set(found.facets.ids) == set(whole.facets.ids)
        order = np.array([found.facets.ids.index(name) for name in whole.facets.ids])
        number = standing.scene.compass.number
        wanted = unpack_by_facet(whole.visibility, whole.facets, number)
        for f, same in enumerate(order.tolist()):
            np.testing.assert_array_equal(bits.of(same), wanted.of(f), whole.facets.ids[f])
        return order

    return check
