"""A candidate is evaluated as if the whole district were built anew with it."""

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.candidate import Candidate, read_candidate
from gis.district import BUILDING_COLUMNS, District
from gis.errors import GeometryError
from gis.heidi import heidi_district
from gis.typical_year import typical_year
from meshes.solids import Kind
from twin.build import Built, build
from twin.siting import Evaluation, Site, evaluate, prepare_site

SPACING = 4.0
PLACE = (99_975.0, 6_213_262.0)
"""Free ground between the blocks south of the campus."""

AMONG_TREES = (100_074.0, 6_213_090.0)
"""Where a hut of 10 x 10 m stands on one tree of an avenue that is higher than it."""

ROUNDED_LIGHT = 1e-6
"""The same where crowns hold some of it back, in several sums [kWh/m2]."""

SAME_LIGHT = 1e-9
"""What the mean light of sun and sky on a facet may differ by, by month [kWh/m2]."""

THROWN_BACK = 0.002
"""Share by which totals over a neighbour may differ from a rebuild's: there the candidate
hides some of the light that ground and buildings throw back, and throws some itself."""

OWN_THROWN_BACK = 0.04
"""The same for the candidate's facades: the ground in its own shadow throws back less."""

PARTS = slice(0, 2)
"""Sun and sky among the parts of light."""


def candidate_at(district: District, folder, *, x, y, height=24.0, size=(30.0, 20.0)):
    outline = shapely.affinity.rotate(shapely.box(0, 0, *size), 17)
    outline = shapely.affinity.translate(outline, x, y)
    feature = {
        "type": "Feature",
        "properties": {"height_m": height, "use": "office"},
        "geometry": shapely.geometry.mapping(outline),
        "crs": {"type": "name", "properties": {"name": "EPSG:3008"}},
    }
    path = folder / "candidate.geojson"
    path.write_text(json.dumps(feature))
    return read_candidate(path, district)


@pytest.fixture(scope="module")
def site() -> Site:
    return prepare_site(build(heidi_district(), typical_year(), spacing=SPACING))


@pytest.fixture(scope="module")
def candidate(site, tmp_path_factory) -> Candidate:
    folder = tmp_path_factory.mktemp("candidate")
    return candidate_at(site.built.district, folder, x=PLACE[0], y=PLACE[1])


@pytest.fixture(scope="module")
def found(site, candidate) -> Evaluation:
    return evaluate(site, candidate)


@pytest.fixture(scope="module")
def rebuilt(site, candidate) -> Site:
    """Build the same district from nothing with the candidate standing in it."""
    return rebuild(site.built.district, candidate)


def rebuild(district: District, candidate: Candidate) -> Site:
    """Build a district anew with a candidate."""
    buildings = gpd.GeoDataFrame(
        pd.concat([district.buildings, candidate.parts[[*BUILDING_COLUMNS, "geometry"]]]),
        crs=district.buildings.crs,
    ).rename_axis("part")
    grown = replace(district, buildings=buildings)
    return prepare_site(build(grown, typical_year(), spacing=SPACING))


def sun_by_building(site: Site) -> pd.Series:
    """Mean hours of sun at the equinox over each building's facades [h]."""
    facets = site.built.facets
    owner = site.built.district.buildings["building"].to_numpy()[facets.part]
    weight = np.where(facets.kind == Kind.WALL, facets.area / facets.sensors_per_facet, 0.0)
    sensors = pd.DataFrame(
        {
            "building": owner[facets.sensor_facet],
            "weight": weight[facets.sensor_facet],
            "sun": weight[facets.sensor_facet] * site.hours,
        }
    )
    sums = sensors.groupby("building").sum()
    return sums["sun"] / sums["weight"]


@pytest.mark.parametrize(
    ("column", "totals"),
    [
        ("light_kwh", ["roof_kwh", "facade_kwh"]),
        ("pv_kwh", ["pv_kwh"]),
        ("roof_kwh_m2", ["roof_kwh_m2"]),
        ("facade_kwh_m2", ["facade_kwh_m2"]),
    ],
)
def test_neighbours_have_what_a_rebuild_leaves_them(found, rebuilt, column, totals):
    table = found.neighbours
    assert len(table) > 10, "the place is not a lonely one"
    wanted = rebuilt.built.buildings.loc[table.index, totals].sum(axis=1)
    np.testing.assert_allclose(table[f"{column}_after"], wanted, rtol=THROWN_BACK)


def test_sun_and_sky_are_those_of_a_rebuild(found, site, rebuilt):
    light, whole = site.built.light, rebuilt.built.light
    place = {name: k for k, name in enumerate(whole.facets.ids)}

    def differ(part, wanted: np.ndarray) -> float:
        return np.abs(part - whole.facet_parts[wanted][:, PARTS]).max()

    named = np.array([place[name] for name in found.shaded.after.facets.ids])
    assert differ(found.shaded.after.facet_parts[:, PARTS], named) < SAME_LIGHT
    own = np.array([place[name] for name in found.light.facets.ids])
    assert differ(found.light.facet_parts[:, PARTS], own) < SAME_LIGHT
    others = np.setdiff1d(np.arange(len(light.facets)), found.shaded.facets)
    untouched = np.array([place[light.facets.ids[k]] for k in others])
    assert differ(light.facet_parts[others][:, PARTS], untouched) == 0


def test_trees_on_the_ground_of_a_candidate_are_felled_and_others_shade_it(site, tmp_path):
    """As in a rebuild without those trees, for neighbours and for the candidate."""
    district = site.built.district
    x, y = AMONG_TREES
    hut = candidate_at(district, tmp_path, x=x, y=y, height=3.0, size=(10.0, 10.0))
    gone = district.trees.intersects(hut.outline)
    assert site.felled(hut).tolist() == np.flatnonzero(gone).tolist()
    assert gone.sum() == 1
    found = evaluate(site, hut)
    whole = rebuild(replace(district, trees=district.trees[~gone]), hut).built.light
    place = {name: k for k, name in enumerate(whole.facets.ids)}
    for light in (found.shaded.after, found.light):
        named = np.array([place[name] for name in light.facets.ids])
        wanted = whole.facet_parts[named][:, PARTS]
        assert np.abs(light.facet_parts[:, PARTS] - wanted).max() < ROUNDED_LIGHT
    assert len(found.light.crowns.facets) > 2, "trees stand before the new building"
    change = found.shaded.after.facet_annual - found.shaded.before.facet_annual
    assert change.max() > 0.01, "some facet wins by the tree"


def test_a_twin_whose_trees_do_not_shade_can_be_asked(site, candidate):
    bare = build(site.built.district, typical_year(), spacing=SPACING, trees=False)
    found = evaluate(prepare_site(bare), candidate)
    assert found.light.crowns is None
    shaded = evaluate(site, candidate)
    assert found.own["facade_kwh"] >= shaded.own["facade_kwh"]


def test_sun_hours_are_those_of_a_rebuild(found, rebuilt):
    wanted = sun_by_building(rebuilt).loc[found.neighbours.index]
    np.testing.assert_allclose(found.neighbours["sun_hours_after"], wanted, atol=1e-5)
    assert (found.neighbours["sun_hours_lost"] > 0).any()


def test_who_is_not_named_loses_nothing_in_a_rebuild(found, site, rebuilt):
    others = site.built.buildings.index.difference(found.neighbours.index)
    before, after = (
        s.built.buildings.loc[others, ["roof_kwh", "facade_kwh"]].sum(axis=1)
        for s in (site, rebuilt)
    )
    assert len(others) > 50
    assert ((before - after).abs() < THROWN_BACK * before).all(), "thrown light alone"
    assert ((before - after).abs() / before).median() < THROWN_BACK / 50


def test_the_newcomer_gets_what_a_rebuild_gives_it(found, rebuilt, candidate):
    wanted = rebuilt.built.buildings.loc[candidate.building]
    for name in ("pv_kwp", "roof_area", "facade_area"):
        assert found.own[name] == pytest.approx(wanted[name])
    assert found.own["roof_kwh"] == pytest.approx(wanted["roof_kwh"], rel=THROWN_BACK)
    for name in ("facade_kwh", "pv_kwh"):
        assert found.own[name] == pytest.approx(wanted[name], rel=OWN_THROWN_BACK)
    sun = sun_by_building(rebuilt)[candidate.building]
    assert found.own["sun_hours"] == pytest.approx(sun, abs=1e-5)


def test_before_less_after_is_lost(found):
    table = found.neighbours
    for name in ("light_kwh", "roof_kwh_m2", "facade_kwh_m2", "pv_kwh", "sun_hours"):
        left = table[f"{name}_before"] - table[f"{name}_lost"]
        np.testing.assert_allclose(table[f"{name}_after"], left)
        # Cells that stay cooler in the shade of a few hours win back a trifle.
        trifle = 1e-4 * table[f"{name}_before"].abs()
        assert (table[f"{name}_lost"] >= -trifle)[table[f"{name}_before"].notna()].all()
    assert table["light_kwh_lost"].is_monotonic_decreasing


def test_a_higher_building_takes_more_of_everything(site, found, tmp_path):
    low = candidate_at(site.built.district, tmp_path, x=PLACE[0], y=PLACE[1], height=12.0)
    smaller = evaluate(site, low).neighbours
    assert smaller["light_kwh_lost"].sum() < found.neighbours["light_kwh_lost"].sum()
    common = smaller.index.intersection(found.neighbours.index)
    more = found.neighbours.loc[common, "light_kwh_lost"]
    assert (smaller.loc[common, "light_kwh_lost"] <= more + 1e-3).all()


def test_the_same_question_gets_the_same_answer(site, candidate, found):
    again = evaluate(site, candidate, threads=1)
    pd.testing.assert_frame_equal(again.neighbours, found.neighbours, check_exact=True)


def test_a_building_on_another_is_told_by_how_much_and_on_whom(site, tmp_path):
    district = site.built.district
    row = district.buildings[district.buildings["name"].str.contains("Prisma")].iloc[0]
    spot = row.geometry.centroid
    on_top = candidate_at(district, tmp_path, x=spot.x, y=spot.y, size=(6.0, 5.0))
    overlap = next(f for f in evaluate(site, on_top).findings if f.rule == "overlap")
    assert not overlap.passed
    shared = sum(on_top.outline.intersection(s).area for s in district.buildings.geometry)
    assert overlap.value == pytest.approx(shared)
    assert "Prisma" in overlap.words


def test_light_without_bits_cannot_be_asked(site):
    blind = replace(site.built, light=replace(site.built.light, visibility=None))
    with pytest.raises(GeometryError, match="visibility"):
        prepare_site(blind)


def test_a_built_district_is_not_changed_by_a_question(site, candidate):
    def fingerprint(built: Built) -> float:
        return float(built.light.sensor_annual.sum(dtype=float) + built.pv.energy.sum())

    before = fingerprint(site.built)
    evaluate(site, candidate)
    assert fingerprint(site.built) == before
