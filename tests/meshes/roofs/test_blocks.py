"""Blocks that stand for roofs hold what these would hold."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from meshes.roofs.blocks import mean_share
from meshes.roofs.forms import BREAK_RISE, BREAK_RUN
from meshes.roofs.lod2 import lod2_solids

A, B, RISE = 20.0, 9.0, 3.0
FORMS = ("shed", "gabled", "hipped", "half-hipped", "mansard", "gambrel", "pyramid", "dome")


def table(shapes, **columns) -> gpd.GeoDataFrame:
    """Return buildings 10 m high."""
    return gpd.GeoDataFrame(
        {"base": 0.0, "top": 10.0, **columns},
        geometry=shapely.orient_polygons(np.array(shapes, object)),
        index=[f"b{k}" for k in range(len(shapes))],
        crs=3008,
    )


@pytest.mark.parametrize("form", [*FORMS, "round"])
def test_mean_share_is_that_of_the_roof_on_a_rectangle(form):
    shape = shapely.box(0, 0, A, B)
    solids, _ = lod2_solids(table([shape], roof_shape=form, roof_height=RISE))
    share = mean_share(form, shape, rise=RISE, run=B / 2)
    expected = A * B * (10.0 - RISE + share * RISE)
    assert solids.volume()[0] == pytest.approx(expected, rel=1e-9)


def test_hips_and_mansards_follow_their_closed_forms():
    shape = shapely.box(0, 0, A, B)
    hipped = mean_share("hipped", shape, rise=RISE, run=B / 2)
    assert hipped == pytest.approx((3 * A - B) / (6 * A))
    gambrel = mean_share("gambrel", shape, rise=RISE, run=B / 2)
    low, high = BREAK_RUN * BREAK_RISE / 2, (1 - BREAK_RUN) * (1 + BREAK_RISE) / 2
    assert gambrel == pytest.approx(low + high)
    assert mean_share("mansard", shape, rise=RISE, run=B / 2) < gambrel


def test_a_block_that_stands_for_a_roof_has_its_volume():
    # A cone, as good as: a regular polygon of more corners than roofs are tried on.
    count, radius = 300, 2000.0  # smaller ones lose corners nearly in line
    angle = np.arange(count) * 2 * np.pi / count
    shape = shapely.Polygon(radius * np.c_[np.cos(angle), np.sin(angle)])
    solids, report = lod2_solids(table([shape], roof_shape="hipped", roof_height=RISE))
    assert report.table["lod"].to_list() == ["1.2"]
    assert solids.volume()[0] == pytest.approx(shape.area * (10 - RISE * 2 / 3), rel=1e-3)
    assert "1 block lowered to the mean height of the roof" in report.notes[-1]


@pytest.mark.parametrize(
    "columns", [{"roof_shape": ""}, {"roof_shape": "hipped", "roof_height": 0.0}]
)
def test_blocks_that_stand_for_no_roof_keep_their_top(columns):
    shape = shapely.box(0, 0, A, B)
    solids, _ = lod2_solids(table([shape], **columns))
    assert solids.volume()[0] == pytest.approx(A * B * 10.0)
