"""Light falls on city models of other places as the laws of light have it."""

import json

import numpy as np
import pytest

from gis.errors import CrsError, UnknownIdError
from gis.typical_year import typical_year
from meshes.formats.cityjson_light import light_city_model, light_results
from meshes.formats.cityjson_read import city_model_of, read_city_model
from meshes.formats.cityjson_write import write_city_model
from meshes.solids import Kind

DELFT = (52.01, 4.36)
FILES = {
    "3dbag_b2.city.json": 1,
    "3dbag_b2.city.jsonl": 1,
    "berlin_lod2.city.json": 1,
    "delft.city.json": 40,
    "denhaag_01_subset.city.json": 1,
    "multi_lod.city.json": 1,
}
"""Every how many parts are lit; all of them give shade."""


@pytest.fixture(scope="module")
def year():
    return typical_year()


def block(east: float, north: float, width: float, depth: float, height: float) -> list:
    """Corners of an upright block [mm]: the base, then the top, counter-clockwise."""
    ring = [(east, north), (east + width, north)]
    ring += [(east + width, north + depth), (east, north + depth)]
    return [[round(1000 * v) for v in (x, y, z)] for z in (0, height) for x, y in ring]


FACES = [
    [[3, 2, 1, 0]],
    [[4, 5, 6, 7]],
    *[[[k, (k + 1) % 4, (k + 1) % 4 + 4, k + 4]] for k in range(4)],
]
"""Floor, roof, walls to the south, east, north and west."""


def blocks(*bodies: tuple, metadata=None, faces=(FACES,)):
    """Read a model of blocks; the second and later ones are parts of a building "b".

    ``faces`` are those of each block, the last ones also of all that follow.
    """
    vertices, objects = [], {}
    for k, body in enumerate(bodies):
        first = len(vertices)
        vertices += block(*body)
        mine = faces[min(k, len(faces) - 1)]
        moved = [[[v + first for v in ring] for ring in face] for face in mine]
        solid = {"type": "Solid", "lod": "1", "boundaries": [moved]}
        kind = {"type": "BuildingPart", "parents": ["b"]} if k else {"type": "Building"}
        objects[f"p{k}" if k else "a"] = {**kind, "geometry": [solid]}
    if len(bodies) > 1:
        children = [f"p{k}" for k in range(1, len(bodies))]
        objects["b"] = {"type": "Building", "children": children}
    head = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [84_600.0, 447_400.0, 0.0]},
        "CityObjects": objects,
        "vertices": vertices,
    }
    return city_model_of([{**head, **(metadata or {})}], "blocks")


def lit(model, year, **options):
    """Light a model at the place of the weather, so that its parts fit together."""
    place = {"latitude": year.latitude, "longitude": year.longitude}
    return light_city_model(model, year, **place, **options)


def test_a_free_roof_gets_the_global_irradiation(year):
    light = lit(blocks((0, 0, 10, 7, 5)), year)
    roof = light.facets.kind == Kind.ROOF
    ghi = float(year.table["ghi"].sum()) / 1000
    assert light.facet_annual[roof] == pytest.approx([ghi], rel=5e-3)
    south, east, north, west = light.facet_annual[~roof]
    assert south > max(east, west) > min(east, west) > north > 0


def test_walls_of_an_open_shell_shade_like_those_of_a_closed_one(year):
    """A block without a floor lets no more light through than one with it."""
    pair = ((0, 0, 10, 7, 5), (0, -9, 10, 4, 12))
    closed = lit(blocks(*pair), year, spacing=2.0)
    model = blocks(*pair, faces=(FACES[1:],))
    assert not model.closed.any()
    opened = lit(model, year, spacing=2.0)
    for k, near in ((0, 1e-9), (1, 1e-9), (2, 0.01), (3, 0.01)):
        found, expected = (
            light.facet_parts[:, k].sum(axis=1) for light in (opened, closed)
        )
        # Tiles and rays of reflections are laid anew.
        assert found == pytest.approx(expected, rel=near, abs=0.2 if k > 1 else 1e-9)


def test_a_screen_without_volume_shades_whichever_way_it_is_drawn(year):
    """A wall 3 m south of a block, as a surface that looks north or south."""
    pair = ((0, 0, 10, 7, 5), (0, -4, 10, 1, 8))
    north = FACES[4]
    found = []
    for screen in (north, [ring[::-1] for ring in north]):
        model = blocks(*pair, faces=(FACES, [screen]))
        assert model.closed.tolist() == [True, False]
        light = lit(model, year, spacing=2.0, parts=["a"])
        found.append(light.facet_annual)
    alone = lit(blocks(pair[0]), year, spacing=2.0)
    south = 1
    assert alone.facets.normal[south] == pytest.approx([0, -1, 0])
    # Sun and sky equal; reflections come by rays, whose hits on edges may differ.
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    assert found[0][south] < 0.6 * alone.facet_annual[south]


def test_the_grids_north_is_not_taken_for_true_north(year):
    """Walls that look to the grid's east and west differ less than with a turned grid.

    The Dutch grid at 100 km west of its middle points 1.2 degrees west of north: a south
    wall looks 1.2 degrees to the east, and gains in the morning.
    """
    crs = {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/28992"}
    body = (-40_000, 0, 10, 7, 5)
    model = blocks(body, metadata={"metadata": crs})
    assert model.convergence == pytest.approx(-1.25, abs=0.1)
    light = lit(model, year, spacing=2.0)
    normal = light.facets.normal[light.facets.kind == Kind.WALL][0]
    azimuth = np.degrees(np.arctan2(normal[0], normal[1])) % 360
    assert azimuth == pytest.approx(180 + model.convergence)


def test_results_add_up(year):
    model = blocks((0, 0, 10, 7, 5), (20, 0, 6, 5, 9), (26, 0, 4, 5, 3))
    light = lit(model, year)
    results = light_results(model, light)
    table, faces = results.objects, results.faces
    assert set(table.index) == {"a", "b", "p1", "p2"}
    parts = table.loc[["p1", "p2"]]
    assert table.loc["b", "roof_area_m2"] == pytest.approx(6 * 5 + 4 * 5)
    for name in ("roof", "wall"):
        total = parts[f"{name}_irradiation_kwh"].sum()
        assert table.loc["b", f"{name}_irradiation_kwh"] == pytest.approx(total)
        mean = table[f"{name}_irradiation_kwh"] / table[f"{name}_area_m2"]
        assert table[f"{name}_irradiation_kwh_m2"].to_numpy() == pytest.approx(mean)
    assert len(faces) == len(model.solids.faces)
    dark = model.solids.kind == Kind.GROUND
    assert faces["irradiation_kwh_m2"].isna().to_numpy().tolist() == dark.tolist()
    total = (faces["irradiation_kwh_m2"] * model.solids.faces.area).sum()
    alone = table.loc[["a", "p1", "p2"], ["roof_irradiation_kwh", "wall_irradiation_kwh"]]
    assert total == pytest.approx(alone.to_numpy().sum())


def test_chosen_parts_get_the_light_they_get_among_all(year):
    model = blocks((0, 0, 10, 7, 5), (14, 0, 6, 5, 9), (20, 0, 4, 5, 3))
    everything, some = lit(model, year), lit(model, year, parts=["p2"])
    mine = np.flatnonzero(everything.facets.part == model.solids.parts.index("p2"))
    # Fewer sensors make coarser tiles of reflections.
    assert some.facet_annual == pytest.approx(everything.facet_annual[mine], abs=0.5)
    with pytest.raises(UnknownIdError, match="ghost"):
        lit(model, year, parts=["ghost"])


def test_light_needs_a_place(year):
    with pytest.raises(CrsError, match="give latitude and longitude"):
        light_city_model(blocks((0, 0, 10, 7, 5)), year)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_light_on_real_models_is_plausible(tmp_path, shared_data, year, name):
    model = read_city_model(shared_data / "cityjson" / name)
    place = (
        {} if model.latitude else dict(zip(("latitude", "longitude"), DELFT, strict=True))
    )
    chosen = model.solids.parts[:: FILES[name]]
    light = light_city_model(model, year, spacing=2.0, parts=chosen, **place)
    facets, annual = light.facets, light.facet_annual
    roof = facets.kind == Kind.ROOF
    mean = {
        kind: (annual * facets.area)[mine].sum() / facets.area[mine].sum()
        for kind, mine in (("roof", roof), ("wall", ~roof))
    }
    assert 700 < mean["roof"] < 1300
    assert 150 < mean["wall"] < 700
    # No plane gets more than one that is tilted best, some 1,210 kWh/m2 a year there.
    assert annual.max() < 1300
    assert annual.min() >= 0
    level = facets.normal[:, 2] > 0.999
    ghi = float(year.table["ghi"].sum()) / 1000
    assert (annual[level] < 1.03 * ghi).all()
    assert (light.facet_sky_view <= (1 + facets.normal[:, 2]) / 2 + 0.01).all()
    write_city_model(tmp_path / name, model, light_results(model, light))
    first = (tmp_path / name).read_text("utf-8").split("\n")[-2 if "jsonl" in name else 0]
    told = json.dumps(json.loads(first)["CityObjects"])
    assert "roof_irradiation_kwh_m2" in told
    assert '"sky_view"' in told
