"""Strings yield what light, shade and series connection leave them."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from gis.errors import GeometryError
from gis.sources.weather_files import read_weather
from meshes.mesh_facets import point_facets
from meshes.polygons import make_polygons
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import open_occluders, solid_occluders
from meshes.solar.power.arrays import PvPlant, array_yield
from meshes.solar.power.layout import Facing, Mounting, lay_modules
from meshes.solar.power.strings_kernel import mix_strings
from meshes.solar.power.usable import SurfaceRules, UsableRules, find_usable

ALL = SurfaceRules(setback=0.5, taken=0.0, least_light=0.0, least_area=0.0)
EVERYWHERE = UsableRules(roof=ALL, facade=replace(ALL, least_light=300.0))


def run(light, weather, *, usable=None, mounting=None, **plant):
    kept = usable or find_usable(light, rules=EVERYWHERE)
    layout = lay_modules(light.facets, kept, latitude=56.0, mounting=mounting)
    return array_yield(layout, light, weather, plant=PvPlant(**plant))


@pytest.fixture(scope="module")
def scene(built):
    """Two roofs below a tower in the south, one roof with a step."""
    boxes = [
        shapely.box(0, 0, 24, 12),
        shapely.box(30, 0, 52, 16),
        shapely.box(8, -16, 18, -8),
    ]
    return built(boxes, [8.0, 11.0, 26.0])


def test_the_kernel_equals_a_loop():
    rng = np.random.default_rng(5)
    hours, bins, count = 30, 8, 12
    start = np.array([0, 3, 12])
    cells = rng.integers(0, 20, (count, 2))
    front, level = rng.integers(0, 2, count), rng.integers(0, 3, count)
    ratio = rng.uniform(0.5, 1.2, (count, 2))
    blocked = rng.integers(0, 2, (bins, 20)).astype(np.uint8)
    blocked[:3] = 0
    soft = rng.uniform(0, 200, (4, hours))
    soft[3] = soft[:2].max(axis=0) * 1.1
    per_hour = rng.integers(0, 4, hours)
    hour_start = np.r_[0, np.cumsum(per_hour)]
    which = rng.integers(0, bins, hour_start[-1])
    beam = rng.uniform(-50, 500, hour_start[-1]).clip(0)
    lit = rng.choice([0.0, 0.4, 1.0], (hour_start[-1], 3))
    lit.sort(axis=1)
    mean, mixed = np.zeros((2, hours)), np.zeros((2, hours))
    mix_strings(
        start,
        cells,
        front,
        level,
        ratio,
        blocked,
        soft,
        hour_start,
        which,
        beam,
        lit,
        0.05,
        mean,
        mixed,
    )
    for s in range(2):
        for t in range(hours):
            light = []
            for i in range(start[s], start[s + 1]):
                g = min(soft[front[i], t] * ratio[i, 0], soft[3, t])
                g += soft[2, t] * ratio[i, 1]
                for p in range(hour_start[t], hour_start[t + 1]):
                    seen = 1 - blocked[which[p], cells[i]].mean()
                    g += beam[p] * seen * (lit[p, level[i]] if front[i] else 1.0)
                light.append(g)
            falling, n = sorted(light)[::-1], len(light)
            best = max(g * (k - (n - k) * 0.05) for k, g in enumerate(falling, 1)) / n
            assert mean[s, t] == pytest.approx(np.mean(light))
            assert mixed[s, t] == pytest.approx(best)


def test_shade_and_series_only_take(scene, lit, clear_year):
    light = lit(scene, albedo=0.2)
    found = run(light, clear_year)
    assert (found.shaded <= found.free * (1 + 1e-6)).all()
    assert (found.energy <= found.shaded * (1 + 1e-6)).all()
    assert 0.02 < found.shading_loss < 0.5
    assert 0.005 < found.mismatch_loss < 0.2
    total = found.hours.sum(axis=1, dtype=float)
    each = np.bincount(found.facet, found.energy)[found.fitted]
    assert total == pytest.approx(each, rel=1e-5)
    assert found.power.sum() == pytest.approx(found.layout.power)
    assert (found.hours >= 0).all()
    # No more than the inverters' rating leaves the plant.
    rated = np.bincount(found.facet, found.power)[found.fitted]
    assert (found.hours.max(axis=1) <= rated / 1.1 * (1 + 1e-5)).all()


def test_electronics_of_its_own_frees_each_module(scene, lit, clear_year):
    light = lit(scene)
    strings, own = (run(light, clear_year, per_module=one) for one in (False, True))
    assert own.mismatch_loss == pytest.approx(0.0, abs=1e-12)
    assert own.energy.sum() > strings.energy.sum()
    assert own.shaded == pytest.approx(strings.shaded)


@pytest.mark.parametrize("facing", list(Facing))
def test_an_obstacle_never_raises_the_yield(built, lit, clear_year, facing):
    roof = built([shapely.box(0, 0, 24, 12)], [8.0])
    wall = make_polygons(
        [[np.array([[-5, -6, 0], [20, -6, 0], [20, -6, 20], [-5, -6, 20.0]])]]
    )
    wall = replace(wall, vertices=wall.vertices - roof.solids.origin)
    usable = find_usable(lit(roof), rules=EVERYWHERE)
    own = solid_occluders(roof.solids)
    mounting = Mounting(facing=facing, tilt=12.0)
    free, shaded = (
        run(lit(roof, some), clear_year, usable=usable, mounting=mounting)
        for some in (own, own + open_occluders(wall))
    )
    # The ratio of a sensor to its facet's mean is that of the year: hence the grain.
    assert (shaded.energy <= free.energy * 1.002).all()
    assert shaded.energy.sum() < 0.95 * free.energy.sum()
    assert shaded.free == pytest.approx(free.free, rel=1e-6)


def test_rows_lose_what_a_ray_per_place_says(built, lit, clear_year):
    """A full model: every module blocks, light at places all over a module inside."""
    roof = built([shapely.box(0, 0, 40, 24)], [8.0])
    light = lit(roof)
    mounting = Mounting(ground_cover=0.7, tilt=20.0)
    usable = find_usable(light, rules=EVERYWHERE)
    usable = replace(usable, area=np.where(roof.kind == 0, usable.area, 0.0))
    layout = lay_modules(roof, usable, latitude=56.0, mounting=mounting)
    middle = np.flatnonzero(layout.row == layout.row.max() // 2)
    chosen = layout.corners[middle[len(middle) // 2]]
    grid = (np.indices((3, 24)).reshape(2, -1).T + 0.5) / [3, 24]
    along, up = chosen[1] - chosen[0], chosen[3] - chosen[0]
    points = chosen[0] + grid[:, :1] * along + grid[:, 1:] * up
    places = point_facets(points, np.tile(np.cross(along, up), (len(points), 1)))
    rows = open_occluders(make_polygons([[corners] for corners in layout.corners]))
    full = lit(places, rows)
    free = lit(places, open_occluders(make_polygons([])))
    lost = 1 - full.sensor_annual.sum() / free.sensor_annual.sum()
    found = array_yield(layout, light, clear_year)
    assert 0.02 < lost < 0.2
    # A row of cells in the shade holds back its third: a little more is lost.
    interior = np.isfinite(layout.ahead).mean()
    assert found.shading_loss / interior == pytest.approx(lost, abs=0.02)
    assert found.shading_loss / interior > lost - 0.003


def test_denser_rows_yield_less_each(built, lit, clear_year):
    light = lit(built([shapely.box(0, 0, 30, 20)], [8.0]))
    some = [
        run(light, clear_year, mounting=Mounting(ground_cover=cover))
        for cover in (0.3, 0.6, 0.9)
    ]
    losses = [one.shading_loss for one in some]
    assert losses[0] < losses[1] < losses[2]


def test_threads_change_nothing(scene, lit, clear_year):
    light = lit(scene)
    layout = lay_modules(scene, find_usable(light, rules=EVERYWHERE), latitude=56.0)
    one, two = (array_yield(layout, light, clear_year, threads=n) for n in (1, 2))
    assert np.array_equal(one.energy, two.energy)
    assert np.array_equal(one.hours, two.hours)


@pytest.mark.real
def test_a_good_roof_at_lyngby_2016(shared_data, free_planes):
    """An unshaded roof, 30 to 40 degrees south: 946 to 958 kWh/kWp, another calculation.

    That calculation took 14 % of losses at once and no glass; here it is PVWatts' list.
    """
    weather = read_weather(shared_data / "weather" / "dtu_lyngby_2016_hourly.csv")
    light = irradiate(
        free_planes([(35, 180)]),
        open_occluders(make_polygons([])),
        weather,
        latitude=55.79064,
        longitude=12.52505,
    )
    rules = UsableRules(roof=replace(ALL, setback=0.0))
    found = run(light, weather, usable=find_usable(light, rules=rules))
    assert 900 < found.specific < 1000
    assert found.shading_loss == pytest.approx(0.0, abs=1e-6)
    assert found.mismatch_loss == pytest.approx(0.0, abs=1e-6)


def test_light_must_carry_its_visibility(scene, lit, clear_year):
    light = lit(scene)
    layout = lay_modules(scene, find_usable(light, rules=EVERYWHERE), latitude=56.0)
    with pytest.raises(GeometryError, match="visibility"):
        array_yield(layout, light.take(np.arange(len(scene))), clear_year)
    with pytest.raises(GeometryError, match="shares"):
        PvPlant(losses=1.0)
