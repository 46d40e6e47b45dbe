"""Rules of the place are applied by their number."""

import geopandas as gpd
import pytest
import shapely

from gis.plan import FLOOD_LEVEL, judge_flood, judge_overlap


@pytest.fixture
def buildings() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"name": ["Named", ""]},
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 5)],
        index=["p1", "p2"],
        crs=3008,
    )


@pytest.mark.parametrize(
    ("floor", "passed"), [(3.5, True), (3.499, False), (-1.0, False), (12.0, True)]
)
def test_the_flood_level_itself_is_high_enough(floor, passed):
    finding = judge_flood(floor, floor_source="told")
    assert finding.passed is passed
    assert (finding.value, finding.limit, finding.unit) == (floor, 3.5, "m RH2000")
    assert f"{abs(floor - FLOOD_LEVEL):.2f} m" in finding.words
    assert "Helsingborg" in finding.source


def test_shared_ground_is_measured_and_its_owners_named(buildings):
    finding = judge_overlap(shapely.box(8, 0, 22, 5), buildings)
    assert not finding.passed
    assert finding.value == pytest.approx(2 * 5 + 2 * 5)
    assert "Named, p2" in finding.words


@pytest.mark.parametrize(
    "outline",
    [shapely.box(10, 0, 20, 10), shapely.box(100, 100, 110, 110)],
    ids=["touching both neighbours", "far away"],
)
def test_touching_is_no_overlap(buildings, outline):
    finding = judge_overlap(outline, buildings)
    assert finding.passed
    assert finding.value == 0.0
