"""Trees keep sound sizes, and let through what was measured, month by month."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest

from gis.crs import PLAN
from gis.errors import GeometryError, TableError
from gis.terrain import Grid, Terrain
from meshes.crown_leaves import (
    BARE,
    BUD_BURST,
    DAYS,
    EVERGREEN,
    FIRST_FALL,
    FULL_LEAF,
    LEAF_OFF,
    LEAF_ON,
    MEASURED,
    TreeKind,
    deciduous_transmittance,
    leaf_share,
    transmittance_of,
)
from meshes.crowns import (
    CROWN_SHARE,
    SLIMMEST,
    TRUNK_SHARE,
    Crowns,
    crowns_of_trees,
    make_crowns,
)

FEET = np.array([[0.0, 0.0, 2.0], [12.0, -5.0, 3.0]])


def two(**changed) -> Crowns:
    return replace(make_crowns(FEET, [10.0, 6.0], [4.0, 1.0]), **changed)


def test_usual_proportions_are_told_once():
    crowns = two()
    # The second is slim: its crown ends where it would look like a pole.
    assert crowns.base == pytest.approx([10 * (1 - CROWN_SHARE), 6.0 - SLIMMEST])
    assert crowns.trunk_radius == pytest.approx([4 * TRUNK_SHARE, TRUNK_SHARE])
    assert crowns.middle[:, 2] + crowns.radii[:, 2] == pytest.approx([12.0, 9.0])
    assert crowns.middle[:, 2] - crowns.radii[:, 2] == pytest.approx(
        FEET[:, 2] + crowns.base
    )
    assert crowns.take(np.array([1])).height.tolist() == [6.0]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"height": np.array([10.0, np.nan])}, "height must be above"),
        ({"base": np.array([11.0, 0.0])}, "1 trees, the first is 0"),
        ({"base": np.array([1.0, -0.1])}, "the first is 1"),
        ({"radius": np.array([0.0, 1.0])}, "radius of the crown"),
        ({"trunk_radius": np.array([0.1, 1.0])}, "thinner than the crown"),
        ({"foot": np.full((2, 3), np.inf)}, "foot must be finite"),
        ({"transmittance": np.full((2, 12), 1.1)}, r"within 0\.\.1"),
        ({"transmittance": np.full((2, 4), 0.1)}, r"shape \(2, 12\), got \(2, 4\)"),
        ({"height": np.array([10.0])}, r"shape \(2,\)"),
    ],
)
def test_unsound_trees_are_refused(changed, told):
    with pytest.raises(GeometryError, match=told):
        two(**changed)


def test_trees_of_a_district_stand_on_its_ground():
    grid = Grid(99_000.0, 6_213_100.0, 1.0, 100, 100)
    x, _ = np.meshgrid(grid.x, grid.y)
    terrain = Terrain(grid, 0.1 * (x - 99_000.0), "slope")
    trees = gpd.GeoDataFrame(
        {
            "height": [9.0, 7.0, 5.0],
            "crown_radius": [3.0, 2.0, 1.5],
            "leaf_cycle": ["evergreen", "", "deciduous"],
        },
        geometry=gpd.points_from_xy([99_020, 99_040, 99_060], [6_213_050] * 3),
        crs=PLAN,
    )
    origin = np.array([99_000.0, 6_213_000.0, 1.0])
    crowns = crowns_of_trees(trees, terrain, origin=origin)
    assert crowns.foot == pytest.approx(
        np.array([[20, 50, 1], [40, 50, 3], [60, 50, 5]]), abs=0.01
    )
    assert crowns.kind.tolist() == [
        TreeKind.EVERGREEN, TreeKind.UNKNOWN, TreeKind.DECIDUOUS,
    ]  # fmt: skip
    plain = crowns_of_trees(trees.drop(columns="leaf_cycle"), terrain, origin=origin)
    assert not plain.kind.any()
    assert len(crowns_of_trees(trees.iloc[:0], terrain, origin=origin)) == 0


def test_leaves_come_and_go_without_a_kink():
    day = np.linspace(1.0, 365.0, 36_401)
    share = leaf_share(day)
    assert share.min() == 0.0
    assert share.max() == 1.0
    assert leaf_share([BUD_BURST, FULL_LEAF, FIRST_FALL, BARE]).tolist() == [0, 1, 1, 0]
    assert leaf_share((BUD_BURST + FULL_LEAF) / 2) == pytest.approx(0.5)
    # The slope of 3 x^2 - 2 x^3 is at most 1.5 over the whole time, and has no jump.
    slope = np.diff(share) / np.diff(day)
    assert np.abs(slope).max() <= 1.5 / (BARE - FIRST_FALL) + 1e-6
    assert np.abs(np.diff(slope)).max() < 1e-3


def test_months_in_leaf_and_bare_are_exact_and_others_between():
    through = deciduous_transmittance()
    assert through[[0, 1, 2, 3, 11]] == pytest.approx(LEAF_OFF)
    assert through[[5, 6, 7, 8]] == pytest.approx(LEAF_ON)
    for between in (4, 9, 10):
        assert LEAF_ON < through[between] < LEAF_OFF
    # By symmetry of the step a tree in mid-spring has taken the square root of all.
    spring = deciduous_transmittance(bud_burst=121 - 1e-9, full_leaf=152, leaf_on=0.2)
    assert spring[4] == pytest.approx(
        np.mean(LEAF_OFF * (0.2 / LEAF_OFF) ** leaf_share(
            np.arange(121, 152), bud_burst=121 - 1e-9, full_leaf=152)), rel=1e-9
    )  # fmt: skip


def test_the_year_is_the_days_months_make():
    """A mean over the year by months is one by days."""
    day = np.arange(365) + 1.0
    by_day = LEAF_OFF * (LEAF_ON / LEAF_OFF) ** leaf_share(day)
    by_month = (deciduous_transmittance() * DAYS).sum() / 365
    assert by_month == pytest.approx(by_day.mean(), rel=1e-12)


def test_the_usual_shares_lie_within_what_was_measured():
    for name, chosen in (("leaf_on", LEAF_ON), ("leaf_off", LEAF_OFF)):
        span = np.array([getattr(each, name) for each in MEASURED])
        assert np.nanmin(span) < chosen < np.nanmax(span)
        assert not (span[:, 0] > span[:, 1]).any()
    assert EVERGREEN < LEAF_ON


def test_shares_can_be_replaced_by_kind():
    own = np.linspace(0.0, 1.0, 12)
    kinds = [TreeKind.EVERGREEN, TreeKind.DECIDUOUS, TreeKind.UNKNOWN]
    found = transmittance_of(kinds, table={TreeKind.EVERGREEN: own})
    assert found[0].tolist() == own.tolist()
    assert found[1].tolist() == found[2].tolist() == deciduous_transmittance().tolist()
    crowns = make_crowns(
        FEET, [9, 8], [3, 2], kind=kinds[:2], transmittance={TreeKind.DECIDUOUS: own}
    )
    assert crowns.transmittance[0] == pytest.approx(EVERGREEN)
    assert crowns.transmittance[1].tolist() == own.tolist()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: transmittance_of([7]), "must be one of"),
        (lambda: transmittance_of([1], table={TreeKind.DECIDUOUS: [0.5]}), "twelve"),
        (lambda: transmittance_of([1], table={TreeKind.UNKNOWN: [np.nan] * 12}), "twelve"),
        (lambda: leaf_share(3, bud_burst=200, full_leaf=150), "in this order"),
        (lambda: deciduous_transmittance(leaf_on=0.6), "more light bare"),
        (lambda: deciduous_transmittance(leaf_on=0.0), "above 0"),
    ],
)
def test_shares_that_cannot_be_are_refused(call, told):
    with pytest.raises(TableError, match=told):
        call()
