"""Prove that every source of a district counts, in the order of trust."""

import warnings
from dataclasses import replace

import geopandas as gpd
import laspy
import numpy as np
import pytest
import shapely

from gis.assemble import Sources, assemble_district
from gis.crs import PLAN
from gis.errors import CrsError, GeometryError, SourceError, TableError, TerrainError
from gis.layers import read_identities, read_layers, write_buildings
from gis.terrain import Grid, Terrain

WEST, NORTH = 99_700.0, 6_213_800.0
GROUND = 3.0
SIDE = 160
"""Of the scene [m]."""

HOUSES = {"old": (20, 20, 30, 20), "new": (70, 20, 24, 24), "shed": (120, 20, 12, 8)}
"""Offset to the east and from the north, length and width [m]."""


def box(east, south, length, width):
    return shapely.box(
        WEST + east, NORTH - south - width, WEST + east + length, NORTH - south
    )


def save(path, shapes, *, crs=PLAN, **columns):
    table = gpd.GeoDataFrame(columns, geometry=list(shapes), crs=PLAN)
    (table if crs == PLAN else table.to_crs(crs)).to_file(path)
    return path


def raster(path, heights):
    """Surface in cells of 1 m: level ground with blocks of the given heights on it."""
    z = np.full((SIDE, SIDE), GROUND)
    for name, height in heights.items():
        east, south, length, width = HOUSES[name]
        z[south : south + width, east : east + length] += height
    Terrain(Grid(WEST, NORTH, 1.0, SIDE, SIDE), z, path.name).save(path)
    return path


@pytest.fixture
def houses(tmp_path):
    """Three houses; the new one is younger than the heights that are told of it."""
    return save(
        tmp_path / "houses.gpkg",
        [box(*place) for place in HOUSES.values()],
        id=list(HOUSES),
        name=["Gamla", "Nya", ""],
        year=[1900, 2021, 1950],
        height=[11.0, 2.6, np.nan],
    )


@pytest.fixture
def ground(tmp_path):
    return raster(tmp_path / "ground.tif", {})


def cloud(path, heights, *, trees=()):
    """LAS with two points a metre: ground, roofs (class 6), trees as cones (class 5)."""
    x, y = np.meshgrid(np.arange(0.25, SIDE, 0.5), np.arange(0.25, SIDE, 0.5))
    z = np.full(x.shape, GROUND)
    kind = np.full(x.shape, 2, dtype=np.uint8)
    for name, height in heights.items():
        east, south, length, width = HOUSES[name]
        roof = (x > east) & (x < east + length) & (y > south) & (y < south + width)
        z[roof], kind[roof] = GROUND + height, 6
    for east, south, radius, height in trees:
        far = np.hypot(x - east, y - south)
        crown = far < radius
        z[crown] = GROUND + height * (1 - 0.5 * far[crown] / radius)
        kind[crown] = 5
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales, header.offsets = [0.01] * 3, [WEST, NORTH - SIDE, 0.0]
    header.add_crs(__import__("pyproj").CRS("EPSG:3008+5613"))
    file = laspy.LasData(header)
    file.x, file.y, file.z = WEST + x.ravel(), NORTH - y.ravel(), z.ravel()
    file.classification = kind.ravel()
    file.write(path)
    return path


def declared(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def told(district):
    table = district.buildings
    return table["height"].round(1).to_dict(), table["height_source"].to_dict()


def test_a_survey_comes_before_attributes_and_a_statement_before_surveys(
    tmp_path, houses, ground
):
    """In 2018 the new house was a building site: neither survey nor attribute holds."""
    surface = raster(tmp_path / "surface.tif", {"old": 18.0, "shed": 3.0})
    stated = declared(
        tmp_path / "stated.csv",
        "name,height_m,source,year\nNya,24,building permit (made for tests),2021\n",
    )
    district = assemble_district(
        Sources(
            houses,
            buildings_year=2018,
            terrain=ground,
            surface=surface,
            surface_year=2018,
            heights=stated,
        )
    )
    heights, sources = told(district)
    assert heights == {"old": 18.0, "new": 24.0, "shed": 3.0}
    assert sources["old"] == sources["shed"] == "surface: surface.tif"
    assert sources["new"].startswith("declared: building permit")
    table = district.buildings
    assert table.loc["old", "height_year"] == 2018
    assert table.loc["new", "height_year"] == 2021
    assert table["height_uncertainty"].between(0.05, 2.0).all()
    assert table.loc["old", ["eaves", "ridge"]].tolist() == pytest.approx([18, 18], abs=0.1)
    assert table.loc["new", ["eaves", "ridge"]].isna().all()
    conflicts = district.records.conflicts
    assert conflicts.loc["old", "other"] == 11.0
    assert "bare ground" in " ".join(conflicts.loc[["new"], "why"]) + " ".join(
        district.notes
    )


def test_without_a_statement_a_height_older_than_its_house_is_assumed_and_told(
    tmp_path, houses, ground
):
    district = assemble_district(Sources(houses, buildings_year=2018, terrain=ground))
    _, sources = told(district)
    assert sources["old"] == "attribute height"
    assert sources["new"].startswith("assumed")
    assert district.records.conflicts.loc["new", "why"] == "survey of 2018, built 2021"


def test_a_declared_year_of_building_refuses_what_was_surveyed_before(tmp_path, ground):
    """The provider tells no years; somebody else knows that one house is new."""
    houses = save(
        tmp_path / "houses.gpkg",
        [box(*place) for place in HOUSES.values()],
        id=list(HOUSES),
        name=["Gamla", "Nya", ""],
        height=[11.0, 2.6, 3.5],
    )
    stated = declared(
        tmp_path / "stated.csv", "name,byggår,source\nNya,2021,owner (made for tests)\n"
    )
    sources = Sources(houses, buildings_year=2018, terrain=ground)
    heights, told_by = told(assemble_district(sources))
    assert (heights["new"], told_by["new"]) == (2.6, "attribute height")
    district = assemble_district(replace(sources, heights=stated))
    heights, told_by = told(district)
    assert told_by["new"].startswith("assumed")
    assert (heights["old"], heights["shed"]) == (11.0, 3.5)
    assert district.buildings["year"].dropna().to_dict() == {"new": 2021.0}
    assert district.records.conflicts.loc["new", "why"] == "survey of 2018, built 2021"
    assert "1 year of building unknown, taken as declared" in district.notes
    assert "Declared heights: owner (made for tests)" in district.credits


def test_points_tell_roofs_ground_and_trees(tmp_path, houses):
    points = tmp_path / "tiles"
    points.mkdir()
    heights = {"old": 14.0, "new": 24.0, "shed": 3.0}
    cloud(points / "a.las", heights, trees=[(60.0, 100.0, 4.0, 12.0)])
    district = assemble_district(Sources(houses, points=points, points_year=2022))
    found, sources = told(district)
    assert found == pytest.approx(heights, abs=0.05)
    assert set(sources.values()) == {"points: tiles (1 tile)"}
    assert district.terrain.z == pytest.approx(GROUND, abs=0.02)
    assert district.buildings["base"].to_numpy() == pytest.approx(GROUND, abs=0.02)
    (tree,) = district.trees.itertuples()
    assert tree.height == pytest.approx(12.0, abs=0.6)
    assert tree.geometry.distance(shapely.Point(WEST + 60, NORTH - 100)) < 1.0
    assert tree.crown_radius == pytest.approx(4.0, abs=0.7)


def test_known_trees_come_first_and_the_cloud_adds_what_they_miss(tmp_path, houses, ground):
    points = cloud(
        tmp_path / "cloud.las",
        {"old": 14.0},
        trees=[(60.0, 100.0, 4.0, 12.0), (110.0, 110.0, 4.0, 10.0)],
    )
    known = save(
        tmp_path / "trees.gpkg",
        [shapely.Point(WEST + 60.3, NORTH - 100)],
        height=[13.0],
        crown_radius=[3.5],
    )
    district = assemble_district(
        Sources(houses, terrain=ground, points=points, trees=known)
    )
    assert sorted(district.trees["height"].round()) == [10.0, 13.0]


def test_a_bridge_among_the_outlines_is_a_deck_and_no_house(tmp_path, ground):
    path = save(
        tmp_path / "osm.gpkg",
        [box(20, 20, 30, 20), box(60, 60, 40, 6)],
        building=["yes", "bridge"],
        height=["9", None],
    )
    roads = save(
        tmp_path / "roads.gpkg",
        [shapely.LineString([(WEST + 20, NORTH - 120), (WEST + 70, NORTH - 120)])],
        highway=["footway"],
        bridge=["yes"],
    )
    district = assemble_district(Sources(path, terrain=ground, bridges=roads))
    assert len(district.buildings) == 1
    assert len(district.decks) == 2
    assert district.decks["level"].to_numpy() == pytest.approx(GROUND, abs=0.01)
    assert any("bridge among the outlines" in note for note in district.notes)
    plain = save(tmp_path / "plain.gpkg", [box(0, 0, 9, 9)], kind=["road"])
    with pytest.raises(SourceError, match=r"tagged as such .* leave it out"):
        assemble_district(Sources(path, terrain=ground, bridges=plain))


def test_a_recipe_draws_the_boundary_between_named_houses(tmp_path, houses, ground):
    recipe = declared(
        tmp_path / "recipe.toml",
        'name = "Provkvarteret"\nanchors = ["Gamla", "Nya"]\nreach = 12.0\nwalk = "open"\n',
    )
    district = assemble_district(Sources(houses, terrain=ground, boundary=recipe))
    assert district.name == "Provkvarteret"
    inside = district.buildings.geometry.within(district.boundary)
    assert inside.to_dict() == {"old": True, "new": True, "shed": False}
    assert sorted(district.landmarks["name"]) == ["Gamla", "Nya"]
    elsewhere = declared(
        tmp_path / "elsewhere.toml",
        "anchors = [{ name = 'a', at = [101000.0, 6215000.0], crs = 'EPSG:3008' },"
        " { name = 'b', at = [101300.0, 6215000.0], crs = 'EPSG:3008' }]\nreach = 50\n",
    )
    with pytest.raises(GeometryError, match=r"holds none of 3; check the anchors"):
        assemble_district(Sources(houses, terrain=ground, boundary=elsewhere))


def test_identities_are_kept_when_the_provider_renumbers(tmp_path, houses, ground):
    first = assemble_district(Sources(houses, terrain=ground))
    write_buildings(tmp_path / "buildings.gpkg", first)
    order = ["shed", "new", "old"]
    renumbered = save(
        tmp_path / "again.gpkg",
        [*(box(*HOUSES[name]) for name in order), box(20, 100, 10, 10)],
        id=["1", "2", "3", "old"],
        height=[3.0, 8.0, 11.0, 5.0],
    )
    earlier = read_identities(tmp_path / "buildings.gpkg")
    again = assemble_district(Sources(renumbered, terrain=ground, previous=earlier))
    kept = again.buildings
    for name in order:
        assert kept.geometry[name].centroid.distance(box(*HOUSES[name]).centroid) < 0.01
    assert kept.loc[order, "given"].tolist() == ["1", "2", "3"]
    (fresh,) = set(kept.index) - set(order)
    assert fresh != "old"
    what = again.records.identities.set_index("now")["what"]
    assert what[order].tolist() == ["kept"] * 3
    assert what[fresh] == "new"


def test_all_that_was_found_out_survives_the_file(tmp_path, houses, ground):
    surface = raster(tmp_path / "surface.tif", {"old": 14.0, "shed": 3.0})
    zones = save(
        tmp_path / "plan.gpkg", [box(0, 0, 100, 100)], use=["B"], building_height=[12.0]
    )
    district = assemble_district(
        Sources(houses, terrain=ground, surface=surface, plan=zones)
    )
    write_buildings(tmp_path / "buildings.gpkg", district)
    back = read_layers(tmp_path / "buildings.gpkg")
    assert back.buildings.to_csv() == district.buildings.to_csv()
    assert back.plan.zones.to_csv() == district.plan.zones.to_csv()
    for name in ("repairs", "conflicts", "identities"):
        one, other = getattr(back.records, name), getattr(district.records, name)
        assert one.shape == other.shape, name
        assert one.to_csv() == other.to_csv(), name


def test_a_survey_that_is_refused_leaves_no_eaves_behind(tmp_path, houses, ground):
    """The points show a shed where the surface model, of later, shows a block."""
    early = cloud(tmp_path / "early.las", {"old": 14.0, "new": 4.0})
    late = raster(tmp_path / "late.tif", {"old": 14.0, "new": 24.0})
    district = assemble_district(
        Sources(
            houses,
            terrain=ground,
            points=early,
            points_year=2018,
            surface=late,
            surface_year=2023,
        )
    )
    new = district.buildings.loc["new"]
    assert new["height_source"] == "surface: late.tif"
    assert new[["height", "eaves", "ridge"]].tolist() == pytest.approx([24] * 3, abs=0.1)


def test_makers_of_every_layer_are_named(tmp_path, houses, ground):
    water = save(
        tmp_path / "sea.geojson",
        [box(0, 130, 160, 30)],
        crs="EPSG:4326",
        osm_id=["relation/1"],
    )
    recipe = declared(
        tmp_path / "recipe.toml",
        'anchors = ["Gamla", "Nya"]\nreach = 12.0\nwalk = "open"\nwater = "sea.geojson"\n'
        'credits = ["Provstad surveyors"]\n',
    )
    sources = Sources(houses, terrain=ground, boundary=recipe)
    assert tmp_path / "sea.geojson" in sources.files
    credits = assemble_district(sources).credits
    assert "© OpenStreetMap contributors" in credits
    assert "Provstad surveyors" in credits
    assert water.name in " ".join(credits)


def test_trees_off_the_terrain_are_left_out_and_counted(tmp_path, houses, ground):
    places = [(60, 100), (90_000, 100), (60, -50_000)]
    trees = save(
        tmp_path / "trees.gpkg",
        [shapely.Point(WEST + e, NORTH - s) for e, s in places],
        height=[9.0, 9.0, 9.0],
    )
    district = assemble_district(Sources(houses, terrain=ground, trees=trees))
    assert len(district.trees) == 1
    assert "2 trees off the terrain left out" in district.notes


def test_identities_of_elsewhere_are_not_taken(tmp_path, houses, ground):
    write_buildings(
        tmp_path / "buildings.gpkg",
        assemble_district(Sources(houses, terrain=ground)),
    )
    far = save(tmp_path / "far.gpkg", [box(500, 500, 20, 20)], id=["x"], height=[5.0])
    earlier = read_identities(tmp_path / "buildings.gpkg")
    district = assemble_district(Sources(far, previous=earlier))
    assert district.buildings.index.tolist() == ["x"]
    assert any("stands elsewhere" in note for note in district.notes)
    assert not len(district.records.identities)


def test_faults_are_told_in_one_line(tmp_path, houses, ground):
    surface = raster(tmp_path / "surface.tif", {})
    with pytest.raises(TerrainError, match=r"surface model without terrain; give"):
        assemble_district(Sources(houses, surface=surface))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SourceError, match=r"must hold \.las or \.laz files"):
        assemble_district(Sources(houses, points=empty))
    nowhere = tmp_path / "nowhere.gpkg"
    line = shapely.LineString([(WEST, NORTH), (WEST + 50, NORTH - 9)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # writing such a layer is what is warned of
        gpd.GeoDataFrame({"bridge": ["yes"]}, geometry=[line]).to_file(nowhere)
    with pytest.raises(CrsError, match="reference system"):
        assemble_district(Sources(houses, terrain=ground, bridges=nowhere))
    text = declared(tmp_path / "bad.csv", "name,height_m,source\nNya,tall,permit\n")
    with pytest.raises(TableError, match="tall"):
        assemble_district(Sources(houses, terrain=ground, heights=text))


@pytest.mark.real
def test_the_dirty_extract_lists_its_five_broken_rings(shared_data):
    path = shared_data / "helsingborg" / "residential_osm_dirty.geojson"
    district = assemble_district(Sources(path))
    rings = district.records.repairs.query("fault == 'unclosed ring'")
    assert rings["amount"].sum() == 5
    assert len(rings) == 4
    assert any("5 rings of 4 features not closed" in note for note in district.notes)
    assert "© OpenStreetMap contributors" in district.credits
