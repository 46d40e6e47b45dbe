"""The Parquet tables hold what was given, say what it is, and depend on nothing else."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import shapely

from gis.errors import OutputError, TableError
from meshes.facets import Facets, make_facets
from meshes.solids import lod1_solids
from twin.tables import (
    FACET_COLUMNS,
    HOURLY_COLUMNS,
    LIGHT_PARTS,
    METER_COLUMNS,
    ROWS_PER_GROUP,
    Provenance,
    facet_table,
    write_facets,
    write_hourly,
    write_meters,
)

PROVENANCE = Provenance("1.2.3", "abc123", schematic=True, credits=("A", "B"))
HOURS = pd.date_range("2024-01-01", periods=48, freq="h", tz="UTC")

WEST, SOUTH = 99_800.0, 6_213_300.0


@pytest.fixture(scope="module")
def facets() -> Facets:
    """Make a box, 20 m by 8 m and 6 m high, that points 30 degrees east of north."""
    box = shapely.affinity.rotate(shapely.box(-4, -10, 4, 10), -30, origin=(0, 0))
    table = gpd.GeoDataFrame(
        {"base": [3.0], "top": [9.0]},
        geometry=[shapely.affinity.translate(box, WEST, SOUTH)],
        index=pd.Index(["b-1"], name="part"),
    )
    return make_facets(lod1_solids(table), spacing=1.0)


@pytest.fixture
def lit(facets) -> dict:
    """Light that differs by facet and month."""
    rows = np.arange(len(facets), dtype=float)[:, None]
    months = 10 * rows + np.arange(12)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    return {
        "parts_kwh_m2": shares[:, None] * months[:, None, :],
        "sky_view": rows[:, 0] / 9,
    }


@pytest.fixture
def table(facets, lit) -> pd.DataFrame:
    return facet_table(facets, pd.Series({"b-1": "b"}), **lit)


def hourly(path, buildings, times=HOURS, **arrays):
    shape = (len(buildings), len(times))
    values = np.arange(np.prod(shape), dtype=float).reshape(shape)
    given = {"roof_kw": values, "facade_kw": -values, "pv_kw": values / 2, **arrays}
    write_hourly(path, buildings, times, **given, provenance=PROVENANCE)
    return values


def meters() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "point": ["b/pv/power"] * 2 + ["a/heat/power"],
            "building": ["b", "b", "a"],
            "quantity": ["pv_power", "pv_power", "heat_power"],
            "time": HOURS[[3, 4, 3]],
            "value": [-1.5, np.nan, 7.25],
            "unit": "kW",
            "source": "simulated",
        }
    )


def test_facets_face_where_their_walls_face(table):
    """The long walls look across the axis: 120 and 300 degrees; the gables 30 and 210."""
    walls = table[table["kind"] == "wall"]
    assert sorted(walls["azimuth"].round(9)) == [30.0, 120.0, 210.0, 300.0]
    assert walls.set_index(walls["azimuth"].round(9))["area_m2"].to_dict() == pytest.approx(
        {30.0: 48.0, 120.0: 120.0, 210.0: 48.0, 300.0: 120.0}
    )
    assert walls["tilt"].to_numpy() == pytest.approx(90.0)
    (roof,) = table[table["kind"] == "roof"].itertuples()
    assert roof.tilt == pytest.approx(0.0)
    assert np.isnan(roof.azimuth)
    assert roof.area_m2 == pytest.approx(160.0)


def test_facets_lie_where_they_are(table):
    """Half the width or length out from the middle, along the wall's own azimuth."""
    reach = {30.0: 10.0, 210.0: 10.0, 120.0: 4.0, 300.0: 4.0}
    for wall in table[table["kind"] == "wall"].itertuples():
        distance = reach[round(wall.azimuth, 6)]
        angle = np.radians(wall.azimuth)
        assert wall.x - WEST == pytest.approx(distance * np.sin(angle), abs=1e-6)
        assert wall.y - SOUTH == pytest.approx(distance * np.cos(angle), abs=1e-6)
        assert wall.z == pytest.approx(6.0)
    (roof,) = table[table["kind"] == "roof"].itertuples()
    assert (roof.x, roof.y, roof.z) == pytest.approx((WEST, SOUTH, 9.0))


def test_facets_keep_their_light_and_names(facets, table, lit):
    assert table["facet"].tolist() == list(facets.ids)
    assert set(table["part"]) == {"b-1"}
    assert set(table["building"]) == {"b"}
    assert table["sensors"].sum() == facets.sensor_count
    light = lit["parts_kwh_m2"]
    assert np.allclose(table["kwh_m2"], light.sum(axis=(1, 2)))
    for k, part in enumerate(LIGHT_PARTS):
        assert np.allclose(table[f"{part}_kwh_m2"], light[:, k].sum(axis=1))
    assert table["sky_view"].tolist() == lit["sky_view"].tolist()
    assert np.allclose(table["kwh_m2_03"], light[:, :, 2].sum(axis=1))


def test_panels_stand_on_their_facet_and_the_others_carry_none(facets, lit):
    pv = pd.DataFrame(
        {"pv_area_m2": [80.0], "pv_kwp": [16.5], "pv_kwh": [15_000.0]}, index=["b-1-roof"]
    )
    table = facet_table(facets, pd.Series({"b-1": "b"}), **lit, pv=pv).set_index("facet")
    assert table.loc["b-1-roof", ["pv_area_m2", "pv_kwp", "pv_kwh"]].tolist() == [
        80.0,
        16.5,
        15_000.0,
    ]
    assert (table.drop("b-1-roof")["pv_kwh"] == 0.0).all()
    with pytest.raises(TableError, match="1 unknown: ghost"):
        facet_table(facets, pd.Series({"b-1": "b"}), **lit, pv=pv.set_axis(["ghost"]))


def test_light_of_other_facets_is_refused(facets, lit):
    wrong = {**lit, "parts_kwh_m2": lit["parts_kwh_m2"].T}
    expected = r"irradiation must be \(5, 4, 12\), got \(12, 4, 5\)"
    with pytest.raises(TableError, match=expected):
        facet_table(facets, pd.Series({"b-1": "b"}), **wrong)


def test_facet_file_holds_the_table(table, tmp_path):
    path = tmp_path / "facets.parquet"
    write_facets(path, table, provenance=PROVENANCE)
    back = pq.read_table(path)
    assert back.column_names == [column.name for column in FACET_COLUMNS]
    assert back["azimuth"].null_count == 1, "a flat roof faces nowhere"
    pd.testing.assert_frame_equal(back.to_pandas(), table, check_dtype=False)


@pytest.fixture(
    params=[FACET_COLUMNS, METER_COLUMNS, HOURLY_COLUMNS],
    ids=["facets", "meters", "hourly"],
)
def columns(request) -> tuple:
    return request.param


@pytest.fixture
def write(columns, table):
    """Write the table that has the columns."""
    if columns is HOURLY_COLUMNS:
        return lambda path: hourly(path, ["b", "a"])
    if columns is METER_COLUMNS:
        return lambda path: write_meters(path, meters(), provenance=PROVENANCE)
    return lambda path: write_facets(path, table, provenance=PROVENANCE)


def test_every_file_says_where_it_comes_from_and_what_it_holds(write, columns, tmp_path):
    write(tmp_path / "t.parquet")
    schema = pq.read_schema(tmp_path / "t.parquet")
    assert schema.metadata[b"heidi_version"] == b"1.2.3"
    assert schema.metadata[b"heidi_input_hash"] == b"abc123"
    assert schema.metadata[b"heidi_label"] == b"schematic, not survey data"
    assert schema.metadata[b"heidi_credits"] == b"A; B"
    told = {field.name: field.metadata for field in schema}
    assert list(told) == [column.name for column in columns]
    for column in columns:
        assert told[column.name][b"unit"].decode() == column.unit
        assert told[column.name][b"description"].decode() == column.meaning
        assert column.meaning


def test_every_file_depends_on_its_input_alone(write, tmp_path):
    for name in ("one", "two"):
        write(tmp_path / f"{name}.parquet")
    one, two = ((tmp_path / f"{name}.parquet").read_bytes() for name in ("one", "two"))
    assert one == two
    assert len(list(tmp_path.iterdir())) == 2


def test_every_file_names_a_folder_that_is_not_there(write, tmp_path):
    with pytest.raises(OutputError, match="absent"):
        write(tmp_path / "absent" / "t.parquet")


def test_surveyed_districts_carry_no_label(tmp_path):
    surveyed = replace(PROVENANCE, schematic=False)
    write_meters(tmp_path / "m.parquet", meters(), provenance=surveyed)
    assert pq.read_schema(tmp_path / "m.parquet").metadata[b"heidi_label"] == b""


def test_meter_file_says_in_its_title_that_it_is_simulated(tmp_path):
    write_meters(tmp_path / "m.parquet", meters(), provenance=PROVENANCE)
    title = pq.read_schema(tmp_path / "m.parquet").metadata[b"title"]
    assert title == b"HEIDI twin: meter values (simulated)"


def test_meter_values_come_back_with_gaps_as_null(tmp_path):
    write_meters(tmp_path / "m.parquet", meters(), provenance=PROVENANCE)
    back = pq.read_table(tmp_path / "m.parquet")
    assert back["value"].to_pylist() == [-1.5, None, 7.25]
    assert back["point"].to_pylist() == meters()["point"].tolist()
    assert back["time"].to_pandas().tolist() == meters()["time"].tolist()


def test_hours_come_building_by_building_in_order_of_ids(tmp_path):
    """Given as c, a, b: rows of a first, each with its own values."""
    values = hourly(tmp_path / "h.parquet", ["c", "a", "b"])
    back = pq.read_table(tmp_path / "h.parquet").to_pandas()
    assert back["building"].astype(str).tolist() == [
        name for name in "abc" for _ in range(len(HOURS))
    ]
    assert back["time"].tolist() == [*HOURS] * 3
    wanted = values[[1, 2, 0]].ravel()
    assert np.array_equal(back["roof_kw"], wanted.astype(np.float32))
    assert np.array_equal(back["facade_kw"], -wanted.astype(np.float32))
    assert np.array_equal(back["pv_kw"], (wanted / 2).astype(np.float32))


def test_hours_are_small_types_and_coded_names(tmp_path):
    hourly(tmp_path / "h.parquet", ["c", "a"])
    types = {
        field.name: str(field.type) for field in pq.read_schema(tmp_path / "h.parquet")
    }
    assert types == {
        "building": "dictionary<values=string, indices=int32, ordered=0>",
        "time": "timestamp[ms, tz=UTC]",
        "roof_kw": "float",
        "facade_kw": "float",
        "pv_kw": "float",
    }


def test_large_tables_are_cut_between_buildings(tmp_path):
    """130 leap years of hours: two groups, of which one building needs only one."""
    times = pd.date_range("2024-01-01", periods=8784, freq="h", tz="UTC")
    names = [f"b-{k:03d}" for k in range(130)]
    assert len(names) * len(times) > ROWS_PER_GROUP
    zeros = np.zeros((130, 8784), np.float32)
    mark = zeros.copy()
    mark[117, 5000] = 3.5
    hourly(tmp_path / "h.parquet", names, times, roof_kw=mark, facade_kw=zeros, pv_kw=zeros)
    file = pq.ParquetFile(tmp_path / "h.parquet")
    groups = [file.metadata.row_group(k) for k in range(file.metadata.num_row_groups)]
    assert [group.num_rows % 8784 for group in groups] == [0, 0]
    spans = [group.column(0).statistics for group in groups]
    assert spans[0].max < spans[1].min
    assert {group.column(2).compression for group in groups} == {"ZSTD"}
    lit = file.read().filter(pc.field("roof_kw") > 0).to_pylist()
    assert [(row["building"], row["roof_kw"]) for row in lit] == [("b-117", 3.5)]
    assert pd.Timestamp(lit[0]["time"]) == times[5000]


@pytest.mark.parametrize(
    ("buildings", "times", "fault"),
    [
        pytest.param(["a", "a"], HOURS, "must differ, got 1 of 2", id="repeated id"),
        pytest.param(["a"], HOURS[::-1], "ascending UTC", id="backwards"),
        pytest.param(["a"], HOURS.tz_localize(None), "ascending UTC", id="naive"),
        pytest.param(["a"], HOURS.tz_convert("Europe/Stockholm"), "UTC", id="local"),
    ],
)
def test_hours_that_cannot_be_placed_are_refused(tmp_path, buildings, times, fault):
    with pytest.raises(TableError, match=fault):
        hourly(tmp_path / "h.parquet", buildings, times)


def test_transposed_hours_are_refused(tmp_path):
    with pytest.raises(TableError, match=r"pv_kw must be \(2, 48\).*got \(48, 2\)"):
        hourly(tmp_path / "h.parquet", ["a", "b"], pv_kw=np.zeros((48, 2)))


def test_missing_columns_and_wrong_values_are_named(table, tmp_path):
    with pytest.raises(TableError, match="kwh_m2_12, pv_kwh"):
        write_facets(
            tmp_path / "f.parquet",
            table.drop(columns=["kwh_m2_12", "pv_kwh"]),
            provenance=PROVENANCE,
        )
    with pytest.raises(TableError, match="right kinds of values"):
        write_facets(
            tmp_path / "f.parquet", table.assign(tilt="steep"), provenance=PROVENANCE
        )
    assert not list(tmp_path.iterdir())
