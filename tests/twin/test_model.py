"""The model's things hang together and its ids stay what they are."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.errors import TableError, UnknownIdError
from twin.model import (
    Building,
    Model,
    Point,
    System,
    SystemKind,
    building_table,
    district_model,
    point_id,
)
from twin.quantities import Quantity


@pytest.fixture
def buildings() -> pd.DataFrame:
    index = pd.Index(["way/7", "heidi-104"], name="building")
    return pd.DataFrame({"name": ["", "Prisma"]}, index=index)


def test_ids_name_the_way_from_building_to_point():
    assert point_id("heidi-104", Quantity.PV_POWER) == "heidi-104/pv/power"
    assert point_id("way/7", Quantity.INDOOR_TEMPERATURE) == "way/7/indoor/temperature"


def test_points_belong_to_systems_and_those_to_buildings(buildings):
    model = district_model(buildings, pv_facets={"heidi-104": ["r1", "w2"]})
    table = model.point_table
    assert table.index.is_unique
    assert table.loc["heidi-104/pv/power"].to_dict() == {
        "building": "heidi-104",
        "system": "heidi-104/pv",
        "quantity": "pv_power",
        "unit": "kW",
    }
    assert table.groupby("building").size().to_dict() == {"way/7": 3, "heidi-104": 4}


def test_panels_name_their_facets(buildings):
    model = district_model(buildings, pv_facets={"heidi-104": ["r1", "w2"]})
    assert model.facets_of("heidi-104", SystemKind.PV) == ("r1", "w2")
    assert model.facets_of("heidi-104", SystemKind.HEAT) == ()
    assert model.facets_of("way/7", SystemKind.PV) == ()
    with pytest.raises(UnknownIdError, match="'ghost'"):
        model.facets_of("ghost", SystemKind.PV)


def test_panels_on_no_building_are_refused(buildings):
    with pytest.raises(UnknownIdError, match="1 unknown ids: ghost"):
        district_model(buildings, pv_facets={"ghost": ["r1"]})


@pytest.mark.parametrize(
    ("systems", "points", "fault"),
    [
        pytest.param([("s", "x", ())], [], "belongs to no building", id="loose system"),
        pytest.param([], [("p", "s")], "belongs to no system", id="loose point"),
        pytest.param(
            [("b", "b", ())], [], "id 'b' occurs 2 times", id="one id, two things"
        ),
        pytest.param(
            [("s", "b", ("r",)), ("t", "b", ("r",))],
            [],
            r"facet 'r \(pv\)' occurs 2 times",
            id="two arrays on a roof",
        ),
    ],
)
def test_things_that_do_not_hang_together_are_refused(systems, points, fault):
    with pytest.raises(TableError, match=fault):
        Model(
            (Building("b", ""),),
            tuple(System(i, building, SystemKind.PV, f) for i, building, f in systems),
            tuple(Point(i, system, Quantity.PV_POWER) for i, system in points),
        )


def test_buildings_add_up_their_parts():
    """Storeys of 3.1 m: 31 m are ten, 1 m is still one; the larger part speaks first."""
    parts = gpd.GeoDataFrame(
        {
            "building": ["b", "a", "b"],
            "name": ["", "", "Tower"],
            "use": ["retail", "", "office"],
            "year": [1950.0, np.nan, np.nan],
            "height": [1.0, 6.0, 31.0],
        },
        geometry=[
            shapely.box(0, 0, 10, 7),
            shapely.box(20, 0, 25, 3),
            shapely.box(0, 7, 5, 9),
        ],
        index=["b-1", "a", "b-2"],
    )
    table = building_table(parts)
    assert table.index.tolist() == ["b", "a"]
    assert table["footprint_area"].tolist() == [80.0, 15.0]
    assert table["floor_area"].tolist() == [70.0 + 100.0, 30.0]
    assert table[["name", "use", "year"]].loc["b"].tolist() == ["Tower", "office", 1950.0]
    assert table.loc["a", ["name", "use"]].tolist() == ["", ""]
    assert np.isnan(table.loc["a", "year"])
