"""Prove heights by the order of trust, and bases by planes."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.crs import PLAN
from gis.errors import TerrainError
from gis.heights import (
    ASSUMED,
    ASSUMED_SMALL,
    ASSUMED_SPREAD,
    GROUND_TOLERANCE,
    LEAST_RISE,
    LEAST_SPREAD,
    STOREY,
    fill_heights,
    ground_under,
    read_heights,
    stand_on_terrain,
)
from gis.terrain import Grid, Terrain

WEST, NORTH = 99_700.0, 6_213_800.0
GRID = Grid(west=WEST, north=NORTH, cell=2.0, rows=60, columns=80)
SLOPE_EAST, SLOPE_NORTH = 0.03, -0.07
ROUNDING = 1e-7
"""Of slopes times national coordinates [m]."""


def level(x, y):
    """Plane: rises to the east, falls to the north."""
    return 20.0 + SLOPE_EAST * (x - WEST) + SLOPE_NORTH * (y - NORTH)


@pytest.fixture(scope="module")
def slope():
    return Terrain(GRID, level(*np.meshgrid(GRID.x, GRID.y)), "slope")


def box(west, south, width, height):
    """Rectangle from metres east and south of the corner of the terrain."""
    return shapely.box(
        WEST + west, NORTH - south - height, WEST + west + width, NORTH - south
    )


def frame(*shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=PLAN)


def rows(**columns):
    count = len(next(iter(columns.values())))
    return frame(*(box(10 * i, 5, 6, 7) for i in range(count)), **columns)


def test_a_stated_height_comes_before_roof_minus_ground_before_storeys():
    heights, _ = read_heights(
        rows(
            height_m=[11.0, np.nan, np.nan, np.nan],
            roof_m=[20.0, 20.0, np.nan, np.nan],
            ground_m=[3.0, 3.0, 3.0, np.nan],
            num_floors=[5.0, 5.0, 5.0, np.nan],
        )
    )
    assert heights["height"].tolist() == pytest.approx(
        [11, 17, 5 * STOREY, np.nan], nan_ok=True
    )
    assert heights["height_source"].tolist() == [
        "attribute height_m", "roof minus ground: roof_m", "storeys x 3 m: num_floors", "",
    ]  # fmt: skip
    assert heights["ground"].tolist() == pytest.approx([3, 3, 3, np.nan], nan_ok=True)


def test_openstreetmap_keys_are_known():
    heights, _ = read_heights(
        rows(**{"height": ["12,5 m", None], "building:levels": ["9", "4"]})
    )
    assert heights["height"].tolist() == [12.5, 12.0]


@pytest.mark.parametrize(
    "flags",
    [
        [True, False, False],
        ["true", "False", ""],
        [1, 0, 0],
        ["ja", "nej", None],
        [1.0, 0.0, np.nan],
    ],
    ids=["bool", "text", "numbers", "Swedish", "with gaps"],
)
def test_heights_that_are_not_vouched_for_are_passed_over(flags):
    heights, notes = read_heights(
        rows(height=[9.0, 9.0, 9.0], height_reliable=flags, levels=[1, 2, np.nan])
    )
    assert heights["height"].tolist() == pytest.approx([9.0, 6.0, np.nan], nan_ok=True)
    assert "2 heights marked as not reliable, passed over" in notes


def test_absurd_heights_are_missing_and_named():
    heights, notes = read_heights(
        rows(id=list("abcdef"), height=[2.0, 200.0, -3.0, 0.0, 9999.0, 1.99])
    )
    assert heights["height"].notna().tolist() == [True, True, False, False, False, False]
    assert notes == (
        "4 heights outside 2..200 m, taken as missing "
        "(c: -3 m, d: 0 m, e: 9999 m, f: 1.99 m)",
    )


def test_absurd_storeys_are_missing_and_named():
    heights, notes = read_heights(rows(levels=[0, 4, 900, -1]))
    assert heights["height"].tolist() == pytest.approx(
        [np.nan, 12, np.nan, np.nan], nan_ok=True
    )
    assert notes == (
        "3 numbers of storeys not plausible, taken as missing "
        "(row 1: 0, row 3: 900, row 4: -1)",
    )


def test_a_table_of_a_twin_keeps_what_it_says_of_its_heights():
    heights, _ = read_heights(rows(height=[8.0], height_source=["assumed: median"]))
    assert heights["height_source"].tolist() == ["assumed: median"]


def test_unknown_heights_take_the_median_of_their_own_kind():
    shapes = [box(0, 12 * i, 3, 4) for i in range(7)] + [
        box(20, 20 * i, 20, 18) for i in range(6)
    ]
    height = np.array([3, 4, 5, 6, 30, 4, np.nan, 20, 22, 24, 26, 28, np.nan], float)
    known = frame(*shapes, height=height, height_source=["x"] * 13)
    filled, notes = fill_heights(known)
    assert filled["height"].to_numpy()[[6, 12]].tolist() == [4.5, 24.0]
    assert filled["height_source"].iloc[12] == (
        "assumed: median of 5 known heights of footprints of 200..1000 m2"
    )
    assert "11 heights from x" in notes
    assert np.isnan(known["height"].iloc[6])


def test_a_kind_without_example_takes_the_median_of_all():
    shapes = [box(0, 12 * i, 3, 4) for i in range(5)] + [box(20, 0, 50, 50)]
    filled, _ = fill_heights(
        frame(*shapes, height=[3.0, 4, 5, 6, 30, np.nan], height_source=[""] * 6)
    )
    assert filled["height"].iloc[5] == 5.0


def test_without_any_height_sheds_get_one_storey_and_houses_two():
    filled, notes = fill_heights(
        frame(
            box(0, 0, 7, 7), box(10, 0, 8, 7), height=[np.nan] * 2, height_source=[""] * 2
        )
    )
    assert filled["height"].tolist() == [ASSUMED_SMALL, ASSUMED]
    assert "1 missing height assumed: 6 m, too few heights known" in notes


def test_an_assumed_height_is_as_uncertain_as_similar_ones_differ():
    shapes = [box(0, 12 * i, 3, 4) for i in range(6)] + [
        box(20, 20 * i, 20, 18) for i in range(6)
    ]
    # Deviations from the medians 4 and 24: 0.1 and 0.2 at most, then 8, 4, 0, 4, 60.
    height = [3.8, 3.9, 4.0, 4.1, 4.2, np.nan, 16.0, 20.0, 24.0, 28.0, 84.0, np.nan]
    told = np.linspace(0.2, 1.3, 12)
    known = frame(*shapes, height=height, height_source=["x"] * 12, height_uncertainty=told)
    filled, _ = fill_heights(known)
    error = filled["height_uncertainty"].to_numpy()
    assert error[[5, 11]].tolist() == [LEAST_SPREAD, round(1.4826 * 4.0, 2)]
    others = np.delete(np.arange(12), [5, 11])
    assert np.array_equal(error[others], told[others])
    assert np.array_equal(known["height_uncertainty"].to_numpy(), told)
    assert (
        "height_uncertainty"
        not in fill_heights(known.drop(columns="height_uncertainty"))[0]
    )


def test_the_spread_of_normal_heights_is_their_standard_deviation():
    height = np.random.default_rng(5).normal(40.0, 6.0, 4001)
    height[0] = np.nan
    shapes = [box(0, 0, 20, 18)] * len(height)
    filled, _ = fill_heights(
        frame(*shapes, height=height, height_source=[""] * 4001, height_uncertainty=1.0)
    )
    # The median absolute deviation of n values has a standard error of 1.17 / sqrt(n).
    assert filled["height_uncertainty"].iloc[0] == pytest.approx(6.0, rel=0.06)


def test_a_height_from_nowhere_is_a_storey_uncertain():
    filled, _ = fill_heights(
        frame(
            box(0, 0, 7, 7), height=[np.nan], height_source=[""], height_uncertainty=np.nan
        )
    )
    assert filled["height_uncertainty"].tolist() == [ASSUMED_SPREAD]


rectangle = st.tuples(
    st.floats(3, 100), st.floats(3, 80), st.floats(1, 40), st.floats(1, 30)
)


@settings(deadline=None)
@given(rectangle)
def test_on_a_slope_the_base_is_the_level_of_the_lowest_corner(slope, rectangle):
    west, south, width, height = rectangle
    lowest, median = ground_under(np.array([box(*rectangle)]), slope)
    assert lowest[0] == pytest.approx(level(WEST + west, NORTH - south), abs=ROUNDING)
    # Cell centres lie within half a cell of symmetric about the middle.
    middle = level(WEST + west + width / 2, NORTH - south - height / 2)
    assert abs(median[0] - middle) <= (SLOPE_EAST - SLOPE_NORTH) * GRID.cell


def test_the_base_finds_a_pit_inside_and_one_on_the_edge():
    z = np.full((60, 80), 5.0)
    z[10, 20] = 1.0
    pit = Terrain(GRID, z, "pit")
    at = (GRID.x[20] - WEST, NORTH - GRID.y[10])
    west = box(at[0] - 19, at[1] - 9, 19, 18)
    east = box(at[0], at[1] - 9, 9, 18)
    away = box(at[0] + 20, at[1] - 9, 18, 18)
    inside = ground_under(np.array([box(at[0] - 9, at[1] - 9, 18, 18)]), pit)[0]
    assert inside == pytest.approx([1.0])
    lowest, median = ground_under(np.array([west, east, away]), pit)
    assert lowest == pytest.approx([1.0, 1.0, 5.0])
    assert median == pytest.approx([5.0, 5.0, 5.0])


def test_footprints_finer_than_the_terrain_are_sampled_at_their_outline(slope):
    lowest, median = ground_under(np.array([box(10.2, 10.2, 0.5, 0.5)]), slope)
    assert lowest[0] == pytest.approx(level(WEST + 10.2, NORTH - 10.2), abs=ROUNDING)
    assert lowest[0] < median[0] < lowest[0] + 0.1


def test_the_top_is_the_height_above_a_plausible_ground_else_above_the_terrain(slope):
    shapes = box(20, 20, 10, 10), box(40, 20, 10, 10), box(20, 40, 10, 10)
    _, median = ground_under(np.array(shapes), slope)
    stated = np.add(median, [1.5, GROUND_TOLERANCE + 0.1, np.nan])
    result, notes = stand_on_terrain(frame(*shapes, height=[8.0] * 3, ground=stated), slope)
    assert result["top"].to_numpy() == pytest.approx(np.add(median, [9.5, 8.0, 8.0]))
    assert result["base_source"].tolist() == [
        "terrain: slope, top from stated ground",
        "terrain: slope",
        "terrain: slope",
    ]
    assert "1 roof level counted from the stated ground" in notes
    assert "ground" not in result.columns


def test_stated_ground_far_off_the_terrain_is_not_believed(slope):
    shape = box(20, 20, 10, 10)
    result, notes = stand_on_terrain(frame(shape, height=[8.0], ground=[99.0]), slope)
    _, median = ground_under(np.array([shape]), slope)
    assert result["top"].iloc[0] == pytest.approx(median[0] + 8.0)
    assert (
        "1 stated ground level more than 5 m off the terrain, terrain used instead" in notes
    )


def test_a_top_below_the_base_is_lifted_and_counted(slope):
    shape = box(20, 20, 10, 10)
    _, median = ground_under(np.array([shape]), slope)
    result, notes = stand_on_terrain(frame(shape, height=[3.0], ground=median - 4.0), slope)
    assert result["top"].iloc[0] == pytest.approx(median[0] + 3.0)
    assert any("counted from the terrain instead" in note for note in notes)


@settings(deadline=None, max_examples=30)
@given(st.floats(2, 200), st.one_of(st.just(np.nan), st.floats(-30, 60)))
def test_every_top_rises_above_its_base(slope, height, ground):
    result, _ = stand_on_terrain(
        frame(box(12, 7, 90, 80), height=[height], ground=[ground]), slope
    )
    assert (result["top"] >= result["base"] + LEAST_RISE).all()


def test_buildings_beyond_the_edge_stand_on_the_nearest_ground_if_they_are_few(slope):
    inside, beyond = box(10, 10, 5, 5), box(-30, 10, 5, 5)
    result, notes = stand_on_terrain(frame(inside, beyond, height=[5.0, 5.0]), slope)
    assert result["base_source"].tolist() == ["terrain: slope", "nearest terrain"]
    assert notes[0].startswith("1 footprint beyond the edge")
    with pytest.raises(TerrainError, match="1 of 1 lie beyond it"):
        stand_on_terrain(frame(beyond, height=[5.0]), slope)
