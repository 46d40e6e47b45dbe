"""Argue that a plan comes back from a layer of a file as it went in."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import CrsError, GeometryError, TableError
from gis.plan_rules import (
    PlanRules,
    is_plan_layer,
    make_plan_rules,
    plan_layer,
    read_plan_layer,
    read_plan_rules,
)
from gis.plan_texts import LIMITS, RANGES

WEST, SOUTH = 99_700.0, 6_213_600.0
PLOT = shapely.box(WEST, SOUTH, WEST + 40, SOUTH + 30)
HOLED = PLOT - shapely.box(WEST + 3.1, SOUTH + 4, WEST + 7, SOUTH + 9)
TWO = shapely.MultiPolygon([PLOT, shapely.box(WEST + 90, SOUTH, WEST + 99, SOUTH + 5)])


def plan_of(**columns) -> PlanRules:
    shapes = columns.pop("geometry")
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=3008)
    return make_plan_rules(frame, source="Åsö ”plan”; 1", version="2024-05-01")


FULL = plan_of(
    id=["A1", "B 2", "c"],
    anvandning=["BC", "GATA", ""],
    prickmark=["nej", "", "ja"],
    bestammelseformulering=["Fasad ska vara av tegel.\nTak ska vara gröna.", "", "Staket"],
    **{
        names[0]: [low + 0.1 * (high - low), np.nan, low + 1 / 3]
        for (low, high, _), names in zip(RANGES.values(), LIMITS.values(), strict=True)
        if names[0] != "vaningar"
    },
    vaningar=["II½", "", "IV"],
    geometry=[PLOT, TWO, HOLED],
)
PLAIN = plan_of(bta=[300.0], geometry=[PLOT])


def assert_same(one: PlanRules, other: PlanRules) -> None:
    """Hold two plans against each other, types and all."""
    pd.testing.assert_frame_equal(
        one.zones.drop(columns="geometry"),
        other.zones.drop(columns="geometry"),
        check_exact=True,
    )
    assert one.zones.crs == other.zones.crs
    for left, right in zip(one.zones.geometry, other.zones.geometry, strict=True):
        assert left.wkb == right.wkb
    assert one.notes == other.notes


def through_a_file(plan: PlanRules, path, **changes) -> PlanRules:
    pyogrio.write_dataframe(plan_layer(plan).assign(**changes), path, layer="plan")
    return read_plan_layer(pyogrio.read_dataframe(path, layer="plan"))


@pytest.mark.parametrize("plan", [FULL, PLAIN], ids=["every column", "almost nothing"])
def test_a_plan_comes_back_from_a_file(plan, tmp_path):
    assert_same(through_a_file(plan, tmp_path / "buildings.gpkg"), plan)


def test_the_example_holds_what_it_argues():
    assert FULL.notes
    assert (FULL.zones[list(LIMITS)].notna().sum() == 2).all()
    assert {shape.geom_type for shape in FULL.zones.geometry} == {"Polygon", "MultiPolygon"}
    assert FULL.zones["unread"].str.contains("\n").any()


def test_without_a_file_it_comes_back_too():
    assert_same(read_plan_layer(plan_layer(FULL)), FULL)


def test_empty_texts_may_be_missing(tmp_path):
    """The layers of a twin hold NULL in place of empty texts."""
    layer = plan_layer(FULL)
    texts = ("use", "letters", "unread", "notes")
    nulls = {t: layer[t].astype(object).where(layer[t] != "", None) for t in texts}
    assert_same(through_a_file(FULL, tmp_path / "buildings.gpkg", **nulls), FULL)


def test_a_stored_layer_is_not_understood_anew(tmp_path):
    """It would take texts for people as sentences of a plan."""
    path = tmp_path / "buildings.gpkg"
    pyogrio.write_dataframe(plan_layer(FULL), path, layer="plan")
    other = gpd.GeoDataFrame({"name": ["b1"]}, geometry=[PLOT], crs=3008)
    pyogrio.write_dataframe(other, path, layer="buildings", append=True)
    assert_same(read_plan_rules(path), FULL)


def test_layers_of_other_kinds_are_told_apart():
    layer = plan_layer(PLAIN)
    assert is_plan_layer(layer)
    assert not is_plan_layer(layer.drop(columns="setback"))


@settings(deadline=None, max_examples=20)
@given(
    texts=st.lists(st.text(max_size=40), min_size=3, max_size=3),
    use=st.text(max_size=20),
    height=st.floats(1, 400),
)
def test_whatever_a_plan_says_it_is_the_same_again(tmp_path_factory, texts, use, height):
    plan = plan_of(
        formulering=texts,
        anvandning=["B", use, use],
        nockhojd=[height, np.nan, height],
        geometry=[PLOT, HOLED, TWO],
    )
    folder = tmp_path_factory.mktemp("plan")
    assert_same(through_a_file(plan, folder / "plan.gpkg"), plan)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda f: f.drop(columns="public"), TableError, "public"),
        (lambda f: f.to_crs(3006), CrsError, "EPSG:3008"),
        (lambda f: f.assign(storeys="many"), TableError, "must hold what was written"),
        (lambda f: f.assign(storeys=-4.0), TableError, "0.5..120"),
        (lambda f: f.assign(notes="{"), TableError, "must hold what was written"),
        (lambda f: f.assign(zone="same"), TableError, "names of their own"),
        (lambda f: f.set_geometry(f.centroid), GeometryError, "valid areas"),
    ],
    ids=["column", "system", "text", "range", "notes", "names", "points"],
)
def test_a_layer_that_was_changed_is_refused(change, error, words):
    with pytest.raises(error, match=words):
        read_plan_layer(change(plan_layer(FULL)))
