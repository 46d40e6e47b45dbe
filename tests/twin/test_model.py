"""The model's things hang together and its ids stay what they are."""

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import TableError, UnknownIdError
from twin.equipment import equipment, with_systems
from twin.model import (
    DISTRICT,
    Building,
    District,
    Model,
    Point,
    System,
    SystemKind,
    building_table,
    district_model,
    point_id,
)
from twin.quantities import Quantity
from twin.thing import ON_SURFACES
from twin.validity import overlap


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


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({"id": ""}, "1 to 200 printable letters, got ''", id="no id"),
        pytest.param({"id": " a"}, "printable letters, got ' a'", id="blank before"),
        pytest.param({"id": "a\nb"}, "printable letters", id="two lines"),
        pytest.param({"id": "a" * 201}, "printable letters", id="long id"),
        pytest.param({"id": "district"}, "'district' occurs 2 times", id="as district"),
        pytest.param({"interval": 0}, "interval of 1 to 31622400 s, got 0", id="no time"),
        pytest.param({"largest": 1e5}, "so it must be a register, got flow", id="a flow"),
        *(
            pytest.param(
                {"quantity": Quantity.VOLUME, "largest": number},
                f"must start again at a number above 0 m3, got {number}",
                id=f"starts again at {number}",
            )
            for number in (0.0, -1.0, math.inf, math.nan)
        ),
        pytest.param({"brick": "no class"}, "must be of a Brick class", id="no class"),
        pytest.param({"name": "\ud800"}, "whole letters", id="half a letter"),
        pytest.param(
            {"valid_from": date(2026, 2, 1), "valid_to": date(2026, 2, 1)},
            "must begin before it ends, got 2026-02-01 to 2026-02-01",
            id="never there",
        ),
    ],
)
def test_points_that_no_file_can_hold_are_refused(change, fault):
    point = replace(Point("p", "s", Quantity.FLOW), **change)
    with pytest.raises(TableError) as caught:
        Model((), (System("s", DISTRICT, SystemKind.HEAT),), (point,))
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "sizes", "fault"),
    [
        pytest.param("pv", {"rated_kw": 0.0}, "rated power above 0 kW, got 0", id="none"),
        pytest.param("pv", {"area_m2": -1.0}, "area above 0 m2, got -1", id="negative"),
        pytest.param("pv", {"limit_kw": math.inf}, "above 0 kW, got inf", id="endless"),
        pytest.param("pv", {"rated_kw": math.nan}, "above 0 kW, got nan", id="no number"),
        pytest.param(
            "heat-pump", {"rated_kw": 9.0}, "it must be pv or solar-thermal", id="no sun"
        ),
        pytest.param(
            "solar-thermal",
            {"rated_kw": 5.1, "area_m2": 5.0},
            "at most 1 kW of a m2, got 5.1 kW of 5 m2",
            id="more than the light that falls on it",
        ),
    ],
)
def test_sizes_that_no_plant_has_are_refused(kind, sizes, fault):
    with pytest.raises(TableError, match=fault):
        Model((), (System("s", DISTRICT, SystemKind(kind), **sizes),), ())


def test_panels_may_be_rated_at_all_that_is_possible():
    """The limit is that of physics: all of the light of the rating."""
    for kind in ON_SURFACES:
        system = System("s", DISTRICT, kind, rated_kw=5.0, area_m2=5.0, limit_kw=0.1)
        assert Model((), (system,), ()).systems == (system,)


def test_systems_of_the_district_belong_to_no_building(buildings):
    battery, points = equipment(DISTRICT, SystemKind.BATTERY, interval=60)
    model = with_systems(
        district_model(buildings, pv_facets={}, district=District("h", "Helsingborg")),
        [battery],
        points,
    )
    assert model.district.name == "Helsingborg"
    assert model.owner["battery"] == DISTRICT
    assert model.point_table.loc["battery/battery_power", "building"] == ""
    assert {point.interval for point in points} == {60}
    assert len(model.building_points) == 2 * 3, "what the live page shows is as before"
    with pytest.raises(TableError, match="'battery' occurs 2 times"):
        with_systems(model, [battery])


def test_what_a_kind_usually_has_is_called_as_ever(buildings):
    """The first of a building's systems has the ids that the twin is built with."""
    system, points = equipment("way/7", SystemKind.HEAT)
    basic = district_model(buildings, pv_facets={})
    assert system in basic.systems
    assert points[0] in basic.points
    assert [point.id for point in points[1:]] == [
        "way/7/heat/heat_energy",
        "way/7/heat/volume",
        "way/7/heat/flow",
        "way/7/heat/supply_temperature",
        "way/7/heat/return_temperature",
    ]
    second, (only,) = equipment(
        "way/7", SystemKind.HEAT, number=2, quantities=[Quantity.HEAT_POWER], facets=["r"]
    )
    assert (second.id, second.facets) == ("way/7/heat-2", ("r",))
    assert only.id == "way/7/heat-2/power"


@pytest.fixture
def swapped() -> Model:
    """Return a building whose meter was replaced on 1 March 2026."""
    swap = date(2026, 3, 1)
    old = System("b/pv", "b", SystemKind.PV, ("roof",), valid_to=swap)
    new = System("b/pv-2", "b", SystemKind.PV, ("roof",), valid_from=swap)
    points = (
        Point("old", "b/pv", Quantity.PV_POWER),
        Point("new", "b/pv-2", Quantity.PV_POWER),
        Point("late", "b/pv-2", Quantity.PV_ENERGY, valid_from=date(2026, 4, 1)),
    )
    return Model((Building("b", ""),), (old, new), points)


@pytest.mark.parametrize(
    ("time", "there"),
    [
        (date(2026, 2, 28), {"old"}),
        (date(2026, 3, 1), {"new"}),
        (date(2026, 4, 1), {"new", "late"}),
        # The day is that of UTC: in Sweden it is 00:30 of the first of March.
        (datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), {"old"}),
        (datetime(2026, 3, 1, tzinfo=UTC), {"new"}),
    ],
)
def test_a_model_tells_what_was_there_at_a_time(swapped, time, there):
    then = swapped.at(time)
    assert {point.id for point in then.points} == there
    assert {point.system for point in then.points} == {s.id for s in then.systems}
    assert then.buildings == swapped.buildings
    assert then.at(time) == then


def test_a_moment_without_time_zone_is_refused(swapped):
    with pytest.raises(TableError, match="timezone-aware"):
        swapped.at(datetime(2026, 3, 1))  # noqa: DTZ001


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 9)).map(lambda s: (s[0], s[0] + s[1])),
        min_size=2,
        max_size=5,
    )
)
def test_spans_overlap_where_any_day_is_in_two(spans):
    """The neighbours alone, sorted, against all days of all pairs."""
    first = date(2026, 1, 1).toordinal()
    things = [
        System(
            str(k),
            "",
            SystemKind.PV,
            valid_from=date.fromordinal(first + a),
            valid_to=date.fromordinal(first + b),
        )
        for k, (a, b) in enumerate(spans)
    ]
    days = Counter(day for a, b in spans for day in range(a, b))
    assert overlap(things) == any(count > 1 for count in days.values())


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
