"""Parts stand over each other where their heights allow it, and nowhere else."""

import itertools
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.assemble import read_district
from gis.errors import GeometryError
from gis.footprints import repair_footprints
from gis.heights import stand_on_terrain
from gis.identity import keep_ids
from gis.layers import read_layers, write_buildings
from gis.stacks import levels_above, settle_stacks
from gis.terrain import Grid, Terrain, flat_terrain
from gis.undersides import bottom_levels

E, N = 100_000.0, 6_213_000.0
LEAST = 0.02  # plan overlap beyond rounding that may be left [m2]


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(E + west, N + south, E + east, N + north)


def layer(*rows: tuple[str, shapely.Geometry, float, float]) -> gpd.GeoDataFrame:
    """Return outlines with heights and undersides."""
    ids, shapes, height, under = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {"id": ids, "height": np.array(height, float), "underside": np.array(under, float)},
        geometry=list(shapes),
        crs=3008,
    )


def stand(frame: gpd.GeoDataFrame, level: float = 3.0) -> gpd.GeoDataFrame:
    """Set repaired outlines on level ground and settle them."""
    west, south, east, north = frame.total_bounds
    ground = flat_terrain((west - 50, south - 50, east + 50, north + 50), level)
    sourced = frame.assign(height_source="stated")
    standing, _ = stand_on_terrain(sourced, ground)
    return settle_stacks(standing)[0]


PODIUM = box(0, 0, 40, 30)
TOWER = box(25, 5, 45, 25)  # overhangs by 5 m


def test_a_tower_over_a_podium_keeps_both_outlines():
    fixed, notes = repair_footprints(
        layer(("podium", PODIUM, 12, 0), ("tower", TOWER, 40, 12))
    )
    assert fixed.area.to_dict() == pytest.approx({"podium": 1200, "tower": 400})
    assert fixed["underside"].to_dict() == {"podium": 0.0, "tower": 12.0}
    assert not any("overlap" in note for note in notes)


def test_without_undersides_the_taller_keeps_the_ground():
    fixed, _ = repair_footprints(layer(("podium", PODIUM, 12, 0), ("tower", TOWER, 40, 0)))
    assert fixed.area.to_dict() == pytest.approx({"podium": 900, "tower": 400})


def test_a_part_that_begins_inside_the_one_below_is_raised_onto_it():
    fixed, notes = repair_footprints(
        layer(("podium", PODIUM, 12, 0), ("tower", box(10, 5, 20, 25), 40, 9))
    )
    assert fixed["underside"]["tower"] == 12.0
    assert fixed.area["podium"] == pytest.approx(1200)
    assert "1 underside raised to the top of the part below" in notes


def test_a_skywalk_ends_at_the_walls_of_the_houses_it_joins():
    """It is taller than one of them, and yet does not cut it from below."""
    west, east = box(0, 0, 10, 20), box(30, 0, 40, 20)
    fixed, _ = repair_footprints(
        layer(
            ("west", west, 20, 0), ("east", east, 7, 0), ("walk", box(9, 8, 31, 12), 9, 5)
        )
    )
    assert fixed.area.to_dict() == pytest.approx({"west": 200, "east": 200, "walk": 80})
    assert fixed["underside"]["walk"] == 5.0


def test_equal_outlines_are_twins_only_at_equal_levels():
    rows = [("low", PODIUM, 10, 0), ("high", PODIUM, 20, 10), ("again", PODIUM, 20, 10)]
    fixed, notes = repair_footprints(layer(*rows))
    assert sorted(fixed["underside"]) == [0.0, 10.0]
    assert "1 duplicate footprint left out" in notes


def test_the_order_of_rows_has_no_say():
    rows = [
        ("podium", PODIUM, 12, 0),
        ("tower", TOWER, 40, 12),
        ("hat", box(30, 8, 40, 22), 45, 40),
        ("walk", box(44, 10, 60, 14), 18, 14),
    ]
    found = {
        tuple(
            (part, row["underside"], shapely.to_wkb(shapely.normalize(row.geometry)))
            for part, row in repair_footprints(layer(*order))[0].sort_index().iterrows()
        )
        for order in itertools.permutations(rows)
    }
    assert len(found) == 1


def test_what_is_repaired_stays_as_it_is():
    once, _ = repair_footprints(
        layer(("a", PODIUM, 12, 0), ("b", TOWER, 40, 9), ("c", box(35, 0, 50, 40), 20, 15))
    )
    named = once.drop(columns="building").assign(id=once.index)
    again, _ = repair_footprints(named.reset_index(drop=True))
    assert again["underside"].to_dict() == once["underside"].to_dict()
    assert again.area.to_dict() == pytest.approx(once.area.to_dict())


def test_parts_of_a_building_with_a_bridge_count_from_one_ground():
    """On a slope the part above would else hang 1 m over, or in, the part below."""
    grid = Grid(west=E - 50, north=N + 80, cell=1.0, rows=130, columns=150)
    slope = Terrain(grid, np.tile(np.arange(150) * 0.1, (130, 1)), "made for the test")
    frame = layer(("b", PODIUM, 12, 0), ("b", TOWER, 40, 12)).assign(height_source="stated")
    fixed, _ = repair_footprints(frame)
    settled, notes = settle_stacks(stand_on_terrain(fixed, slope)[0])
    low, high = (settled[settled["underside"] == u].iloc[0] for u in (0.0, 12.0))
    assert bottom_levels(settled).max() == pytest.approx(low["top"], abs=1e-9)
    assert high["top"] - low["top"] == pytest.approx(28.0)
    assert "counted from one ground" in "; ".join(notes)


@pytest.mark.parametrize(
    ("heights", "undersides", "expected"),
    [
        pytest.param([14, 40], [0, 12], [(0, 14), (14, 40)], id="measured podium lifts it"),
        pytest.param([39.5, 40], [0, 12], [(0, 12), (12, 40)], id="survey saw the tower"),
        pytest.param([10, 40], [0, 12], [(0, 10), (12, 40)], id="a gap stays"),
    ],
)
def test_levels_settle_once_heights_are_known(heights, undersides, expected):
    frame = gpd.GeoDataFrame(
        {"building": "b", "height": heights, "underside": undersides},
        geometry=[PODIUM, box(10, 5, 20, 25)],
        index=pd.Index(["low", "high"], name="part"),
        crs=3008,
    ).astype({"height": float, "underside": float})
    settled = stand(frame, level=3.0)
    bottom, top = bottom_levels(settled) - 3.0, settled["top"].to_numpy() - 3.0
    assert np.c_[bottom, top] == pytest.approx(np.array(expected))
    assert settled["height"].to_numpy() == pytest.approx(top)


def test_assumed_heights_grow_and_known_ones_win_over_undersides():
    frame = layer(("a", box(0, 0, 9, 9), 6, 8), ("b", box(20, 0, 29, 9), 6, 8))
    frame = frame.assign(
        height_source=["assumed: 6 m", "measured"],
        building=["a", "b"],
        base=0.0,
        top=6.0,
    )
    settled, notes = settle_stacks(frame)
    assert settled["height"].tolist() == [11.0, 6.0]
    assert settled["underside"].tolist() == [8.0, 0.0]
    assert len(notes) == 2


def are_apart(parts: gpd.GeoDataFrame) -> bool:
    """Whether no two parts have ground and heights in common, asked pair by pair."""
    bottom, top = bottom_levels(parts), parts["top"].to_numpy()
    shapes = parts.geometry.to_numpy()
    return all(
        min(top[i], top[j]) <= max(bottom[i], bottom[j]) + 1e-6
        or shapely.intersection(shapes[i], shapes[j]).area < LEAST
        for i, j in itertools.combinations(range(len(parts)), 2)
    )


SPAN = st.tuples(st.sampled_from([0.0, 0.0, 3.0, 6.0, 9.5]), st.floats(2.5, 20.0))
PLACE = st.tuples(*[st.integers(0, 24)] * 2, *[st.integers(3, 15)] * 2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PLACE, SPAN), min_size=1, max_size=8))
def test_random_stacks_never_share_a_place(parts):
    rows = [
        (f"p{k}", box(x, y, x + w, y + h), low + rise, low)
        for k, ((x, y, w, h), (low, rise)) in enumerate(parts)
    ]
    fixed, _ = repair_footprints(layer(*rows))
    settled = stand(fixed)
    assert are_apart(settled)
    assert (settled["top"] > bottom_levels(settled)).all()
    assert (levels_above(settled) >= settled["top"] - 1e-6).all()
    ground = shapely.union_all([row[1] for row in rows if row[3] == 0.0])
    standing = settled[settled["underside"] == 0.0]
    covered = shapely.union_all(standing.geometry.to_numpy())
    assert ground.difference(covered.buffer(0.2)).area < 4.0  # slivers of 1 m2 are dropped


@pytest.fixture
def stacked(tmp_path) -> Path:
    path = tmp_path / "stack.gpkg"
    frame = layer(("podium", PODIUM, 12, 0), ("tower", TOWER, 40, 12))
    named = frame.assign(part=frame["id"], building="b", parapet_height=[0.9, np.nan])
    named.drop(columns="id").rename(columns={"underside": "min_height"}).to_file(path)
    return path


def test_a_file_with_min_height_becomes_a_district_and_comes_back(stacked, tmp_path):
    district = read_district(stacked)
    assert district.buildings["underside"].to_dict() == {"podium": 0.0, "tower": 12.0}
    write_buildings(tmp_path / "out.gpkg", district)
    again = read_layers(tmp_path / "out.gpkg").buildings
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.drop(columns="geometry")),
        pd.DataFrame(district.buildings.drop(columns="geometry")),
        check_dtype=False,
    )
    assert again.geometry.geom_equals(district.buildings.geometry).all()


def test_a_district_refuses_bodies_in_each_other(stacked):
    district = read_district(stacked)
    sunk = district.buildings.assign(underside=[0.0, 11.0])
    with pytest.raises(GeometryError, match="must not overlap"):
        replace(district, buildings=sunk)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_stack_keeps_its_names_when_it_is_read_again(turn):
    rows = [("low", PODIUM, 10, 0), ("high", PODIUM, 20, 10)]
    first = repair_footprints(layer(*rows))[0].assign(building="b")
    second = repair_footprints(layer(*rows[::turn]))[0].assign(building="b")
    kept = keep_ids(first, second).frame
    assert kept["underside"].to_dict() == {"low": 0.0, "high": 10.0}
