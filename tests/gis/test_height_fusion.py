"""Prove which height is chosen, on every pair of sources and on the real harbour."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.crs import PLAN
from gis.errors import TableError
from gis.height_candidates import (
    ATTRIBUTE,
    DECLARED,
    KINDS,
    POINTS,
    STOREYS,
    SURFACE,
    Candidates,
    attribute_candidates,
    declared_candidates,
    measured_candidates,
    storey_candidates,
)
from gis.height_fusion import COARSE, LEAST_DISAGREEMENT, fuse_heights
from gis.heights import STOREY, fill_heights, read_heights
from gis.roof_heights import roof_heights_from_surface


def buildings(*ids, **columns):
    shapes = [shapely.box(20 * i, 0, 20 * i + 12, 9) for i in range(len(ids))]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=PLAN, index=list(ids))


def said(kind, values, **columns):
    """Candidates of one source: heights by building."""
    told = {"source": kind, "year": np.nan, "uncertainty": 0.5, "ground": np.nan,
            "refused": ""} | columns  # fmt: skip
    index = pd.Index(list(values), dtype=object)
    return Candidates(
        kind, pd.DataFrame({"height": list(values.values())} | told, index=index)
    )


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(KINDS, 2)))
def test_of_two_kinds_the_first_in_precedence_is_chosen_in_any_order(first, second):
    one = said(first, {"a": 11.0}, ground=2.0, year=2017.0)
    other = said(second, {"a": 12.0, "b": 7.0})
    for order in ([one, other], [other, one]):
        fused = fuse_heights(buildings("a", "b"), order)
        chosen = fused.frame.loc["a"]
        assert (chosen["height"], chosen["height_source"]) == (11.0, first)
        assert (chosen["height_year"], chosen["height_uncertainty"]) == (2017.0, 0.5)
        assert chosen["ground"] == 2.0
        assert fused.frame.loc["b", "height_source"] == second
        assert np.isnan(fused.frame.loc["b", "ground"])


def test_a_coarse_value_stands_behind_a_fine_one_of_a_lower_kind():
    coarse = said(POINTS, {"a": 15.0}, uncertainty=COARSE + 0.1)
    fine = said(ATTRIBUTE, {"a": 12.0}, uncertainty=2.0)
    assert fuse_heights(buildings("a"), [coarse, fine]).frame["height"].iloc[0] == 12.0
    # Alone it is still better than nothing.
    assert fuse_heights(buildings("a"), [coarse]).frame["height"].iloc[0] == 15.0


@pytest.mark.parametrize("kind", [POINTS, SURFACE, ATTRIBUTE])
@pytest.mark.parametrize(
    ("built", "flown", "stands"),
    [(2020, 2018, False), (2018, 2018, True), (1950, 2018, True), (np.nan, 2018, True),
     (2020, np.nan, True)],
)  # fmt: skip
def test_a_survey_older_than_the_building_does_not_tell_its_height(
    kind, built, flown, stands
):
    frame = buildings("a", year=[float(built)])
    scan = said(kind, {"a": 3.1}, year=float(flown))
    fused = fuse_heights(frame, [scan])
    assert fused.frame["height"].notna().iloc[0] == stands
    if not stands:
        assert fused.conflicts["why"].tolist() == ["survey of 2018, built 2020"]
        assert "1 building without a height that holds (a)" in fused.notes


def test_declared_values_and_storeys_need_not_be_younger_than_the_building():
    frame = buildings("a", "b", year=[2020.0, 2020.0])
    plan = said(DECLARED, {"a": 40.0}, year=2017.0)
    storeys = said(STOREYS, {"b": 45.0}, year=2017.0)
    assert fuse_heights(frame, [plan, storeys]).frame["height"].tolist() == [40.0, 45.0]


@pytest.mark.parametrize(
    ("height", "storeys", "stands"),
    [(3.1, 15, False), (2.5, 2, False), (3.1, 2, True), (2.5, 1, True), (9.0, 6, True)],
)
def test_a_height_that_cannot_hold_its_storeys_is_refused(height, storeys, stands):
    frame = buildings("a", levels=[storeys])
    told, _ = storey_candidates(frame)
    fused = fuse_heights(frame, [said(POINTS, {"a": height}), told])
    wanted = height if stands else storeys * STOREY
    assert fused.frame["height"].iloc[0] == wanted
    if not stands:
        assert f"1 height refused: too low for {storeys} storeys" in fused.notes


def test_a_roof_cut_off_at_the_ceiling_of_a_survey_stands_behind_all():
    scan = said(POINTS, {"a": 35.4, "b": 20.0, "c": 35.4}, ground=2.0)
    storeys = said(STOREYS, {"a": 45.0, "b": 24.0}, uncertainty=11.0)
    fused = fuse_heights(buildings("a", "b", "c"), [scan, storeys], ceiling=37.5)
    assert fused.frame["height"].tolist() == [45.0, 20.0, 35.4]


def test_bare_ground_shows_as_a_conflict_and_is_never_a_height():
    roofs = pd.DataFrame(
        {"height": [np.nan, 12.0, np.nan], "status": ["bare ground", "measured", "no data"],
         "uncertainty": [np.nan, 0.2, np.nan], "ground": [2.0, 2.5, 3.0]},
        index=["a", "b", "c"],
    )  # fmt: skip
    scan = measured_candidates(roofs, kind=POINTS, source="tile", year=2018)
    declared = pd.DataFrame({"height": [40.0], "source": ["builder"]}, index=["a"])
    fused = fuse_heights(buildings("a", "b", "c"), [scan, *declared_candidates(declared)])
    assert fused.frame["height"].tolist() == pytest.approx([40, 12, np.nan], nan_ok=True)
    conflict = fused.conflicts.loc["a"]
    assert conflict["why"] == "the survey shows bare ground"
    assert conflict["difference"] == -40.0
    assert fused.frame.loc["b", "height_source"] == "points: tile"


@pytest.mark.parametrize(
    ("difference", "told"),
    [(0.9, False), (2.9, False), (3.1, True), (-3.1, True), (-2.9, False)],
)
def test_differences_are_told_from_three_standard_uncertainties(difference, told):
    one = said(POINTS, {"a": 20.0}, uncertainty=0.6)
    other = said(ATTRIBUTE, {"a": 20.0 + difference}, uncertainty=0.8)
    fused = fuse_heights(buildings("a"), [one, other])
    assert len(fused.conflicts) == told
    if told:
        row = fused.conflicts.iloc[0]
        assert row["limit"] == pytest.approx(3.0)
        assert row["difference"] == pytest.approx(difference)
        assert row["why"] == "attribute stands behind points"
        assert any("in conflict" in note for note in fused.notes)


def test_differences_below_a_metre_are_no_conflict_however_sure_both_are():
    one = said(POINTS, {"a": 20.0}, uncertainty=0.01)
    other = said(SURFACE, {"a": 20.0 + LEAST_DISAGREEMENT - 0.01}, uncertainty=0.01)
    assert fuse_heights(buildings("a"), [one, other]).conflicts.empty


values = st.one_of(st.just(np.nan), st.floats(-10, 250))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS), st.lists(values, min_size=4, max_size=4),
            st.floats(0.1, 9.0), st.sampled_from([np.nan, 2010.0, 2022.0]),
        ),
        max_size=5,
    ),
    st.lists(st.sampled_from([np.nan, 1950.0, 2016.0]), min_size=4, max_size=4),
    st.permutations(range(4)),
)  # fmt: skip
def test_laws_of_fusion(sources, built, order):
    """Chosen heights are said by somebody, plausible, and the same in any order of rows."""
    frame = buildings(*"abcd", year=built)
    told = [
        said(kind, dict(zip("abcd", heights, strict=True)), uncertainty=error, year=year)
        for kind, heights, error, year in sources
    ]
    fused = fuse_heights(frame, told)
    for name, row in fused.frame.iterrows():
        heights = [c.table.loc[name, "height"] for c in told]
        if np.isnan(row["height"]):
            assert row["height_source"] == ""
            continue
        assert row["height"] in heights
        assert 2.0 <= row["height"] <= 200.0
        if row["height_source"] in (POINTS, SURFACE, ATTRIBUTE):
            assert not row["year"] > row["height_year"]
    again = fuse_heights(frame.iloc[list(order)], told)
    assert again.frame.sort_index().equals(fused.frame)
    assert frame.columns.tolist() == ["year", "geometry"]


def test_attributes_are_taken_without_those_by_storeys():
    frame = buildings("a", "b", height=[9.0, np.nan], levels=[3, 5], ground=[1.0, 2.0])
    heights, _ = read_heights(frame)
    told = attribute_candidates(heights, year=2018)
    assert told.table["height"].to_dict() == {"a": 9.0}
    assert told.table["source"].tolist() == ["attribute height"]
    storeys, _ = storey_candidates(frame)
    assert storeys.table["height"].to_dict() == {"a": 9.0, "b": 15.0}


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"height": [400.0], "source": ["x"]}, "must lie within"),
        ({"height": [np.nan], "source": ["x"]}, "must lie within"),
        ({"height": ["tall"], "source": ["x"]}, "must lie within"),
        ({"height": [20.0], "source": [""]}, "name its source"),
        ({"height": [20.0]}, "columns source and height"),
        ({"source": ["x"]}, "columns source and height"),
    ],
)
def test_declared_values_must_be_plausible_and_name_their_source(columns, told):
    with pytest.raises(TableError, match=told):
        declared_candidates(pd.DataFrame(columns, index=["a"]))


def test_tables_that_cannot_be_fused_are_refused():
    with pytest.raises(TableError, match="repeats a"):
        declared_candidates(
            pd.DataFrame({"height": [9.0, 8.0], "source": "x"}, index=["a", "a"])
        )
    with pytest.raises(TableError, match="unique ids"):
        fuse_heights(buildings("a", "a"), [])
    with pytest.raises(TableError, match="kind"):
        said("guess", {"a": 3.0})


def test_without_sources_there_are_no_heights():
    fused = fuse_heights(buildings("a"), [])
    assert fused.frame["height"].isna().all()
    assert fused.conflicts.empty


SURVEY = 2018
"""The harbour model was flown before the blocks of Oceanhamnen were built."""

PUBLISHED = pd.DataFrame(
    [
        ("1254", "Prisma", 40.0, np.nan, 2020, "byggvarlden.se"),
        ("1260", "WTC Helsingborg", 50.0, np.nan, 2022, "dansk-byudvikling.dk"),
        ("1275", "Tura", np.nan, 15, 2021, "project pages"),
    ],
    columns=["id", "name", "height", "storeys", "year", "source"],
).set_index("id")
"""Buildings of Oceanhamnen with a published height or number of storeys."""

UNPUBLISHED = {"1261": 2022, "1238": 2021, "1230": 2020}
"""GreenHaus, Ophelias Brygga and Trevagor: only their years are published."""


@pytest.fixture(scope="module")
def harbour(shared_data):
    path = shared_data / "helsingborg" / "harbour_buildings_epsg3008.gpkg"
    frame = gpd.read_file(path)
    frame.index = frame["dtcc_index"].astype(str)
    years = PUBLISHED["year"].to_dict() | UNPUBLISHED
    return frame.assign(year=pd.Series(years, dtype=float))


@pytest.mark.real
def test_the_new_blocks_of_oceanhamnen_get_their_published_heights(harbour, shared_data):
    heights, _ = read_heights(harbour)
    folder = shared_data / "helsingborg"
    roofs, _ = roof_heights_from_surface(
        harbour.geometry.to_numpy(),
        folder / "harbour_dsm_lod1_1m_epsg3008.tif",
        folder / "harbour_dtm_1m_epsg3008.tif",
    )
    roofs.index = harbour.index
    # What the survey says of them: a pier.
    assert (roofs.loc[PUBLISHED.index, "height"] < 4.0).all()
    fused = fuse_heights(
        harbour,
        [
            attribute_candidates(heights, year=SURVEY),
            measured_candidates(roofs, kind=SURFACE, source="harbour dsm", year=SURVEY),
            *declared_candidates(PUBLISHED),
        ],
        ceiling=37.5,
    )
    found = fused.frame.loc[PUBLISHED.index]
    assert found["height"].tolist() == [40.0, 50.0, 15 * STOREY]
    assert found["height_source"].tolist() == [
        "declared: byggvarlden.se",
        "declared: dansk-byudvikling.dk",
        "storeys x 3 m: project pages",
    ]
    assert found["height_year"].tolist() == [2020, 2022, 2021]
    # The old ground is not theirs: the filled pier lies 2 m higher.
    assert found["ground"].isna().all()
    told = fused.conflicts.loc["1254"]
    assert (told["why"] == "survey of 2018, built 2020").all()
    assert (told["difference"] < -36).all()
    # Blocks of known year without a published height keep none, and are then assumed.
    new = fused.frame.loc[list(UNPUBLISHED)]
    assert new["height"].isna().all()
    filled, _ = fill_heights(fused.frame)
    assert filled.loc[list(UNPUBLISHED), "height_source"].str.startswith("assumed").all()
    # The old town keeps what was measured.
    old = fused.frame.drop(index=[*PUBLISHED.index, *UNPUBLISHED])
    reliable = old[harbour.loc[old.index, "height_reliable"]]
    error = (reliable["height"] - reliable["height_m"]).abs()
    assert error.median() < 0.5
    assert old.loc["843", "height"] == pytest.approx(28.3, abs=0.5)


@pytest.mark.real
def test_storeys_alone_unmask_the_default_heights_where_years_are_unknown(harbour):
    """Without any year: nine storeys do not stand in 3.1 m, nor fifteen in 2.5 m."""
    frame = harbour.assign(year=np.nan, height_reliable=True)
    frame["levels"] = pd.Series({"1254": 9, "1275": 15, "843": 7})
    storeys, _ = storey_candidates(frame)
    fused = fuse_heights(
        frame, [attribute_candidates(read_heights(frame)[0], year=SURVEY), storeys]
    )
    assert fused.frame.loc[["1254", "1275"], "height"].tolist() == [27.0, 45.0]
    assert fused.frame.loc["843", "height_source"] == "attribute height_m"
    assert fused.conflicts.loc["1275", "why"] == "too low for 15 storeys"
