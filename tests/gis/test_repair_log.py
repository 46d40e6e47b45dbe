"""The log of repairs names every fault once, where it is, by how much, and for whom."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import affinity

from gis.crs import PLAN
from gis.errors import GeometryError
from gis.footprints import repair_and_log, repair_footprints
from gis.repair_log import COLUMNS, FAULTS, add_mended
from gis.snapping import SNAP

EAST, NORTH = 99_700.0, 6_213_400.0
EXACT = 1e-6


def frame(*shapes, **columns):
    moved = [None if s is None else affinity.translate(s, EAST, NORTH) for s in shapes]
    return gpd.GeoDataFrame(columns, geometry=moved, crs=PLAN)


def box(west, south, width, height):
    return shapely.box(west, south, west + width, south + height)


def faulty():
    """Every kind of fault, each at a building of its own; heights decide overlaps."""
    bow_tie = shapely.Polygon([(0, 100), (10, 110), (10, 100), (0, 110)])
    leaky = box(0, 200, 20, 15) - box(4, 204, 8, 6) - box(15, 202, 0.02, 9)
    stutter = [(0, 300), (6, 300), (6, 300.004), (6, 307), (0, 307)]
    shapes = {
        "sound": (box(0, 0, 10, 8), 5),
        "missing": (None, 5),
        "line": (shapely.LineString([(0, 0), (9, 9)]), 5),
        "raised": (shapely.force_3d(box(50, 0, 5, 4), 17.0), 5),
        "tie": (bow_tie, 5),
        "leaky": (leaky, 5),
        "crumb": (box(50, 100, 0.5, 1), 5),
        "twin-a": (box(50, 200, 7, 6), 5),
        "twin-b": (box(50, 200, 7, 6), 5),
        "low": (box(100, 0, 12, 8), 5),
        "high": (box(109, 0, 12, 8), 9),
        "hidden": (box(110, 2, 3, 3), 5),
        "stutter": (shapely.Polygon(stutter), 5),
        "left": (box(100, 100, 10, 8), 5),
        "right": (box(110.1, 100, 7, 8), 5),
        "long": (box(100, 200, 20, 8), 5),
        "porch": (box(105, 208, 6, 4), 5),
    }
    ids, values = list(shapes), list(shapes.values())
    shapes = [shape for shape, _ in values]
    return frame(*shapes, id=ids, height=[float(height) for _, height in values])


@pytest.fixture(scope="module")
def repaired():
    return repair_and_log(faulty())


def row(repairs, building, fault):
    rows = repairs.table.query("building == @building and fault == @fault")
    assert len(rows) == 1, (building, fault)
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("building", "fault", "amount", "unit"),
    [
        ("missing", "no geometry", None, ""),
        ("line", "no area", None, ""),
        ("raised", "elevations", None, ""),
        ("leaky", "thin hole", 0.18, "m2"),
        ("crumb", "sliver", 0.5, "m2"),
        ("twin-b", "duplicate", 42.0, "m2"),
        ("low", "overlap", 24.0, "m2"),
        ("hidden", "covered", 9.0, "m2"),
        ("right", "gap", 0.1, "m"),
        ("stutter", "repeated corner", 1, "corners"),
        ("long", "missing corner", 2, "corners"),
        ("tie", "several parts", 2, "parts"),
        # Its two halves run against each other and cancel in the area of the ring.
        ("tie", "self-crossing", 50.0, "m2"),
    ],
)
def test_each_fault_is_told_with_its_measure(repaired, building, fault, amount, unit):
    found = row(repaired[1], building, fault)
    assert found["action"] == FAULTS[fault]
    assert found["unit"] == unit
    if amount is None:
        assert np.isnan(found["amount"])
    else:
        assert found["amount"] == pytest.approx(amount, abs=EXACT)


def test_sound_buildings_are_not_in_the_log(repaired):
    table = repaired[1].table
    assert not table["building"].isin(["sound", "high", "twin-a"]).any()
    assert tuple(table.columns) == COLUMNS
    assert table.crs == PLAN


def test_parts_of_the_log_are_parts_of_the_result(repaired):
    result, repairs = repaired
    named = repairs.table[repairs.table["part"] != ""]
    assert set(named["part"]) <= set(result.index)
    assert (result["building"].loc[named["part"]].to_numpy() == named["building"]).all()
    gone = set(repairs.table["building"][repairs.table["part"] == ""])
    assert gone == {"missing", "line", "crumb", "hidden", "twin-b"}


def test_places_are_where_the_fault_was(repaired):
    table = repaired[1].table.set_index("building")
    assert table.geometry["missing"] is None
    overlap = affinity.translate(box(109, 0, 3, 8), EAST, NORTH)
    assert overlap.covers(table.geometry["low"])
    assert table.geometry["right"].x == pytest.approx(EAST + 110.0, abs=EXACT)
    known = table[table.geometry.notna()]
    ground = shapely.box(*faulty().total_bounds)
    assert shapely.covers(ground.buffer(SNAP), known.geometry.to_numpy()).all()


def test_notes_and_log_count_alike(repaired):
    """The summary is the log, added up."""
    _, repairs = repaired
    table, notes = repairs.table, repairs.notes
    doubly = table["amount"][table["fault"].isin(["overlap", "covered"])].sum()
    assert f"{doubly:,.1f} m2 of doubly covered ground counted once" in notes
    corners = int(table["amount"][table["fault"] == "missing corner"].sum())
    assert f"{corners} corners put in where walls of neighbours meet" in notes
    assert notes == repair_footprints(faulty())[1]


def test_rings_that_the_reader_closed_are_logged():
    layer = frame(box(0, 0, 10, 8), box(30, 0, 10, 8), id=["a", "b"])
    result, repairs = repair_and_log(layer)
    log = add_mended(repairs.table, {"unclosed ring": {"b": 2, "quarter": 1}}, result)
    told = log[["part", "building", "fault", "amount", "unit"]].to_numpy().tolist()
    assert told == [
        ["b", "b", "unclosed ring", 2.0, "rings"],
        ["", "quarter", "unclosed ring", 1.0, "rings"],
    ]
    assert log.geometry[0].equals(layer.geometry[1].centroid)
    assert log.geometry[1] is None


def test_of_several_parts_the_one_at_the_fault_is_named():
    both = shapely.MultiPolygon([box(0, 0, 10, 8), box(40, 0, 12, 8)])
    layer = frame(both, box(10.1, 0, 30, 40), id=["pair", "large"], height=[3.0, 9.0])
    _, repairs = repair_and_log(layer)
    gap = row(repairs, "pair", "gap")
    assert gap["part"] == "pair-2"  # the smaller half is the second part
    assert gap.geometry.x == pytest.approx(EAST + 10.1, abs=EXACT)


def test_a_gap_that_cannot_be_closed_is_told():
    """All corners of a board of 12 cm would go to the wall beside it, and it be gone."""
    layer = frame(box(0, 0, 0.12, 10), box(0.14, -5, 10, 40), id=["board", "house"])
    result, repairs = repair_and_log(layer)
    assert shapely.equals_identical(result.geometry.to_numpy(), layer.geometry).all()
    assert repairs.table["fault"].tolist() == ["open gap", "open gap"]
    assert any("left as they are" in note for note in repairs.notes)


def test_heaps_of_outlines_are_refused_before_they_fill_the_memory():
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 20, (3000, 2))
    layer = frame(*(box(x, y, 30, 30) for x, y in corners))
    with pytest.raises(GeometryError, match="3,000 meets 2,999 others on average"):
        repair_footprints(layer)
