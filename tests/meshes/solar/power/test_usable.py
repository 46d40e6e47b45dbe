"""Usable areas follow from edges, light and size."""

import numpy as np
import pytest
import shapely

from gis.errors import GeometryError
from meshes.solar.power.usable import SurfaceRules, UsableRules, facet_shapes, find_usable

OPEN = SurfaceRules(setback=0.0, taken=0.0, least_light=0.0, least_area=0.0)


def rules(**changes):
    values = {"setback": 0.0, "taken": 0.0, "least_light": 0.0, "least_area": 0.0}
    return UsableRules(roof=SurfaceRules(**{**values, **changes}), facade=OPEN)


@pytest.fixture(scope="module")
def roof_beside_tower(built, lit):
    boxes = [shapely.box(0, 0, 30, 14), shapely.box(0, -12, 30, 0)]
    return lit(built(boxes, [10.0, 40.0]))


def test_without_rules_all_is_usable(roof_beside_tower):
    usable = find_usable(roof_beside_tower, rules=rules())
    facets = roof_beside_tower.facets
    assert usable.area == pytest.approx(facets.area)
    whole = facet_shapes(facets)
    assert shapely.area(whole) == pytest.approx(facets.area)


@pytest.mark.parametrize("setback", [0.5, 2.0, 6.9])
def test_a_set_back_shrinks_a_rectangle_on_all_sides(roof_beside_tower, setback):
    usable = find_usable(roof_beside_tower, rules=rules(setback=setback))
    roof = roof_beside_tower.facets.ids.index("b0-roof")
    assert usable.area[roof] == pytest.approx((30 - 2 * setback) * (14 - 2 * setback))


def test_a_set_back_of_half_the_width_leaves_nothing(roof_beside_tower):
    usable = find_usable(roof_beside_tower, rules=rules(setback=7.0))
    assert usable.area[roof_beside_tower.facets.ids.index("b0-roof")] == 0


def test_dark_cells_go(roof_beside_tower):
    """The cells below a limit are cut out, no more and no less."""
    light, facets = roof_beside_tower, roof_beside_tower.facets
    roof = facets.ids.index("b0-roof")
    own = slice(*facets.sensor_start[roof : roof + 2])
    annual = light.sensor_annual[own]
    for limit in np.quantile(annual, [0.2, 0.5, 0.9]):
        usable = find_usable(light, rules=rules(least_light=float(limit)))
        cell = facets.step[roof].prod()
        assert usable.area[roof] == pytest.approx(cell * (annual >= limit).sum(), rel=1e-3)
        points = shapely.points(np.indices(facets.shape[roof]).reshape(2, -1).T + 0.5)
        inside = shapely.contains(usable.shapes[roof], points)
        bits = facets.sensor_bit[own] - facets.bit_start[roof]
        expected = np.zeros(len(points), bool)
        column, row = bits % facets.shape[roof, 0], bits // facets.shape[roof, 0]
        expected[column * facets.shape[roof, 1] + row] = annual >= limit
        assert (inside == expected).all()


def test_small_pieces_go_and_limits_only_take(roof_beside_tower):
    light = roof_beside_tower
    areas = [find_usable(light, rules=rules(least_area=a)).area for a in (0, 50, 450)]
    roofs = light.facets.kind == 0
    assert (areas[0] >= areas[1]).all()
    assert areas[2][roofs].sum() == 0  # the roofs have 420 and 360 m2


def test_shared_walls_are_of_no_use(roof_beside_tower):
    usable = find_usable(roof_beside_tower)
    facets = roof_beside_tower.facets
    shared = [
        k
        for k in range(len(facets))
        if facets.kind[k] == 1 and facets.part[k] == 0 and facets.normal[k][1] < -0.9
    ]
    assert usable.area[shared] == 0


@pytest.mark.parametrize("wrong", [{"setback": -1.0}, {"taken": 1.0}, {"least_area": -3.0}])
def test_senseless_rules_are_refused(wrong):
    with pytest.raises(GeometryError, match="correct the rules"):
        rules(**wrong)
