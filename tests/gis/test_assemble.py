"""Prove that a district read from files is what the files say."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.assemble import EDGE, MARGIN, read_district
from gis.crs import PLAN
from gis.errors import GeometryError, TableError
from gis.terrain import Grid, Terrain, read_terrain

WEST, NORTH = 99_700.0, 6_213_800.0


def box(west, south, width, height):
    return shapely.box(
        WEST + west, NORTH - south - height, WEST + west + width, NORTH - south
    )


def save(path, shapes, *, crs=PLAN, **columns):
    table = gpd.GeoDataFrame(columns, geometry=list(shapes), crs=PLAN)
    (table if crs == PLAN else table.to_crs(crs)).to_file(path)
    return path


@pytest.fixture
def slope(tmp_path):
    """Terrain of 2 m cells that rises by 3 % to the east."""
    grid = Grid(WEST - 300, NORTH + 300, 2.0, 400, 450)
    z = np.broadcast_to(10.0 + 0.03 * (grid.x - WEST), (400, 450))
    Terrain(grid, z, "slope").save(tmp_path / "slope.tif")
    return tmp_path / "slope.tif"


def test_a_district_stands_on_its_terrain(tmp_path, slope):
    path = save(
        tmp_path / "blocks.gpkg",
        [box(0, 0, 20, 12), box(40, 0, 10, 30)],
        id=["a", "b"],
        height=[9.0, 15.0],
        name=["Källan", None],
        byggar=["1891", "okänt"],
        use=["office", ""],
    )
    district = read_district(path, slope, name="Provstad")
    buildings = district.buildings
    assert district.name == "Provstad"
    assert buildings.index.tolist() == ["a", "b"]
    assert buildings["base"].to_numpy() == pytest.approx([10.0, 11.2], abs=1e-6)
    assert buildings["top"].to_numpy() == pytest.approx([10.3 + 9, 11.35 + 15], abs=0.031)
    assert buildings["name"].tolist() == ["Källan", ""]
    assert buildings["use"].tolist() == ["office", ""]
    assert buildings["year"].tolist() == pytest.approx([1891, np.nan], nan_ok=True)
    assert district.credits == (
        "blocks.gpkg, as given by the user",
        "slope.tif, as given by the user",
    )
    assert not district.schematic
    assert district.water.is_empty
    assert len(district.trees) == len(district.landmarks) == 0
    assert not any(str(tmp_path) in note for note in district.notes)


def test_the_boundary_and_the_terrain_reach_a_fixed_way_beyond_the_buildings(
    tmp_path, slope
):
    path = save(
        tmp_path / "b.gpkg", [box(0, 0, 20, 12), box(40, 10, 10, 30)], height=[9.0, 5]
    )
    district = read_district(path, slope)
    west, south, east, north = district.buildings.total_bounds
    grown = (west - EDGE, south - EDGE, east + EDGE, north + EDGE)
    assert district.boundary.bounds == pytest.approx(grown)
    assert district.boundary.convex_hull.equals(district.boundary)
    ground = district.terrain.grid.bounds
    wanted = (west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN)
    assert np.abs(np.subtract(ground, wanted)).max() <= 2.0


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb"])
@pytest.mark.parametrize("epsg", [4326, 3006, 3008])
def test_format_and_reference_system_make_no_difference(tmp_path, slope, suffix, epsg):
    shapes = [box(0, 0, 20, 12), box(40, 0, 10, 30)]
    one = save(tmp_path / "plan.gpkg", shapes, id=["a", "b"], height=[9.0, 15.0])
    path = tmp_path / f"other{suffix}"
    crs = PLAN if epsg == 3008 else epsg
    other = save(path, shapes, crs=crs, id=["a", "b"], height=[9.0, 15.0])
    here, there = (read_district(p, slope).buildings.sort_index() for p in (one, other))
    assert there.index.tolist() == here.index.tolist()
    # GeoJSON keeps seven decimals of a degree: a centimetre.
    assert there["top"].to_numpy() == pytest.approx(here["top"].to_numpy(), abs=1e-3)
    assert there.area.to_numpy() == pytest.approx(here.area.to_numpy(), abs=1.0)


def test_only_features_that_are_buildings_are_taken(tmp_path):
    path = save(
        tmp_path / "osm.gpkg",
        [box(20 * i, 0, 8, 9) for i in range(6)],
        osm_id=list("abcdef"),
        building=["yes", "apartments", None, "no", "garages", "chapel"],
        **{"building:levels": [2, 5, 9, 9, 1, None]},
    )
    district = read_district(path)
    assert district.buildings.index.tolist() == ["a", "b", "e", "f"]
    assert district.buildings["use"].tolist() == ["", "residential", "garage", "culture"]
    assert district.buildings["height"].tolist() == [6.0, 15.0, 3.0, 6.0]
    assert "2 features not a building by the column building, left out" in district.notes


def test_a_layer_without_any_building_is_refused(tmp_path):
    path = save(tmp_path / "osm.gpkg", [box(0, 0, 8, 9)], building=["no"])
    with pytest.raises(TableError, match="must be buildings"):
        read_district(path)


def test_without_terrain_the_ground_is_level_at_the_stated_ground(tmp_path):
    path = save(
        tmp_path / "b.gpkg",
        [box(20 * i, 0, 8, 9) for i in range(3)],
        height=[5.0, 7.0, 9.0],
        ground_m=[2.0, 3.0, 30.0],
    )
    district = read_district(path)
    assert set(district.buildings["base"]) == {3.0}
    assert district.buildings["top"].tolist() == [8.0, 10.0, 12.0]
    assert any(
        "taken as level at 3 m (the median stated ground)" in n for n in district.notes
    )


def test_the_table_of_a_twin_reads_as_it_was_written(tmp_path, slope):
    path = save(
        tmp_path / "b.gpkg",
        [shapely.MultiPolygon([box(0, 0, 9, 12), box(20, 0, 9, 13)]), box(40, 0, 10, 30)],
        id=["a", "b"],
        height=[9.0, np.nan],
    )
    first = read_district(path, slope)
    first.buildings.reset_index().to_file(tmp_path / "buildings.gpkg")
    second = read_district(tmp_path / "buildings.gpkg", slope)
    columns = ["building", "name", "use", "height", "height_source", "base"]
    assert second.buildings.index.tolist() == first.buildings.index.tolist()
    assert second.buildings[columns].equals(first.buildings[columns])
    assert second.buildings["top"].to_numpy() == pytest.approx(
        first.buildings["top"], abs=0.05
    )


def test_reading_twice_gives_the_same_bits(tmp_path, slope):
    path = save(
        tmp_path / "b.gpkg", [box(0, 0, 20, 12), box(15, 3, 10, 30)], height=[9, 15]
    )
    one, two = read_district(path, slope), read_district(path, slope)
    assert shapely.equals_identical(
        one.buildings.geometry.to_numpy(), two.buildings.geometry.to_numpy()
    ).all()
    assert one.buildings.drop(columns="geometry").equals(
        two.buildings.drop(columns="geometry")
    )
    assert one.notes == two.notes


def test_water_is_read_by_its_kind_and_its_level_from_the_terrain(tmp_path, slope):
    blocks = save(tmp_path / "b.gpkg", [box(0, 0, 20, 12)], height=[9.0])
    water = save(
        tmp_path / "w.gpkg",
        [box(-50, 0, 20, 40), box(-20, 0, 300, 40)],
        kind=["water", "land"],
    )
    district = read_district(blocks, slope, water=water)
    assert district.water.area == pytest.approx(800.0)
    assert district.water_level == pytest.approx(10.0 - 0.03 * 40, abs=0.05)
    assert district.credits[-1] == "w.gpkg, as given by the user"
    with pytest.raises(GeometryError, match="layer of water must hold polygons"):
        read_district(
            blocks, slope, water=save(tmp_path / "p.gpkg", [shapely.Point(WEST, NORTH)])
        )


def test_one_stray_feature_is_left_out_and_counted(tmp_path):
    ring = [
        [12.69, 56.04],
        [12.6904, 56.04],
        [12.6904, 56.0402],
        [12.69, 56.0402],
        [12.69, 56.04],
    ]
    far = [[x - 12.69, y - 56.04] for x, y in ring]
    features = [
        {
            "type": "Feature",
            "properties": {"id": str(i)},
            "geometry": {"type": "Polygon", "coordinates": [r]},
        }
        for i, r in enumerate([ring, [[x + 0.001, y] for x, y in ring], far])
    ]
    path = tmp_path / "b.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    district = read_district(path)
    assert district.buildings.index.tolist() == ["0", "1"]
    assert "1 feature far off the plan, left out" in district.notes


HARBOUR_ROUNDING = 60.0
"""Of 1,283 outlines in seven decimals of a degree (a centimetre), with slivers, and gaps
between neighbours that became one wall [m2]: less than 0.02 % of their ground."""


@pytest.mark.real
@pytest.mark.parametrize(
    "name", ["harbour_buildings_epsg3008.gpkg", "harbour_buildings_wgs84.geojson"]
)
def test_the_harbour_with_its_1283_footprints(shared_data, name):
    folder = shared_data / "helsingborg"
    district = read_district(
        folder / name,
        folder / "harbour_dtm_1m_epsg3008.tif",
        water=folder / "harbour_land_water_epsg3008.gpkg",
    )
    buildings = district.buildings
    source = gpd.read_file(folder / "harbour_buildings_epsg3008.gpkg").set_index("uuid")
    assert district.notes[0].startswith("1,283 footprints read")
    assert "415 heights marked as not reliable, passed over" in district.notes
    # Every footprint is there or told of.
    lost = set(source.index) - set(buildings["building"])
    told = [int(n.split()[0]) for n in district.notes if n.endswith(("others, left out",))]
    told += [int(n.split()[0]) for n in district.notes if "sliver" in n]
    assert len(lost) == sum(told)
    union = source.union_all().area
    assert buildings.area.sum() == pytest.approx(union, abs=HARBOUR_ROUNDING)
    # Reliable heights are those of the file, others are named as assumed.
    reliable = source["height_reliable"].reindex(buildings["building"]).to_numpy()
    stated = source["height_m"].reindex(buildings["building"]).to_numpy()
    assert (buildings["height"].to_numpy()[reliable] == stated[reliable]).all()
    assumed = buildings["height_source"].str.startswith("assumed: median of").to_numpy()
    assert (assumed == ~reliable).all()
    # A base can be no lower than the ground around and no higher than what it carries.
    terrain, _ = read_terrain(folder / "harbour_dtm_1m_epsg3008.tif")
    centre = buildings.geometry.representative_point()
    ground = terrain.sample(centre.x.to_numpy(), centre.y.to_numpy())
    assert (buildings["base"].to_numpy() <= ground + 1e-6).all()
    assert (buildings["top"] >= buildings["base"] + 2.0).mean() > 0.99
    assert district.water_level == pytest.approx(-0.2, abs=0.05)


@pytest.mark.real
@pytest.mark.parametrize(("state", "open_rings"), [("closed", 0), ("dirty", 5)])
def test_a_residential_area_of_openstreetmap(shared_data, state, open_rings):
    district = read_district(
        shared_data / "helsingborg" / f"residential_osm_{state}.geojson"
    )
    told = [n for n in district.notes if n.startswith("5 rings of 4 features not closed")]
    assert len(told) == (1 if open_rings else 0)
    others = "301 of 880 features are no outline of a building, passed over"
    assert others in district.notes
    assert "© OpenStreetMap contributors" in district.credits
    assert len(district.buildings) == 579
    assert district.buildings.index[0].startswith("way/")
