"""Plants are as large as their systems tell, or say what was assumed."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import TableError
from meshes.solar.thermal import FLAT_PLATE
from twin.expectation.conditions import make_conditions
from twin.expectation.plant import CollectorField, Panels
from twin.expectation.plants import ALL_USABLE, AS_POTENTIAL, plants_of
from twin.expectation.power import expect
from twin.model import DISTRICT, Model, System, SystemKind

RECORD = {"geometry": "g", "version": "1"}


@pytest.fixture(scope="module")
def roof(built):
    """Return facets that are usable in unequal parts, and one that is not."""
    usable = np.flatnonzero(built.pv.module_area > 0)
    areas = built.pv.module_area[usable]
    chosen = usable[np.argsort(areas)[[-1, len(areas) // 2, len(areas) // 3]]]
    dark = np.flatnonzero(built.pv.module_area == 0)[:1]
    return [built.facets.ids[k] for k in (*chosen, *dark)]


def plant(built, kind, facets, **told):
    system = System("s", DISTRICT, SystemKind(kind), tuple(facets), **told)
    (made,) = plants_of(built, Model((), (system,), ()))
    return made


def june(built, rows=slice(24 * 171, 24 * 173)):
    return make_conditions(
        built.weather.table.iloc[rows],
        latitude=built.district.latitude,
        longitude=built.district.longitude,
        source="test",
    )


def test_what_is_told_sums_up_over_the_facets(built, roof):
    panels = plant(built, "pv", roof, rated_kw=12.5, limit_kw=9.0)
    field = plant(built, "solar-thermal", roof, area_m2=30.0)
    assert isinstance(panels, Panels)
    assert isinstance(field, CollectorField)
    assert panels.rated == pytest.approx(12.5)
    assert panels.limit == 9.0
    assert field.area.sum() == pytest.approx(30.0)
    assert panels.assumed == field.assumed == ""


def test_shares_are_those_of_the_usable_area(built, roof):
    """Written out: 12 kW on facets of unequal use; nothing where nothing fits."""
    place = [built.facets.ids.index(name) for name in roof]
    usable = built.pv.module_area[place]
    panels = plant(built, "pv", roof, rated_kw=12.0)
    field = plant(built, "solar-thermal", roof, area_m2=12.0)
    np.testing.assert_allclose(panels.power, 12.0 * usable / usable.sum())
    np.testing.assert_allclose(field.area, 12.0 * usable / usable.sum())
    assert panels.power[-1] == field.area[-1] == 0.0
    assert len(set(np.round(panels.power, 6))) == 4, "a share in the wrong place would show"


def test_plants_on_facets_where_nothing_fits_are_there_all_the_same(built, roof):
    panels = plant(built, "pv", roof[-1:], rated_kw=3.0)
    assert panels.power.tolist() == [3.0]
    assert panels.gain.tolist() == [1.0]


def test_telling_the_assumed_size_changes_nothing(built, roof):
    free = plant(built, "pv", roof)
    assert free.assumed == AS_POTENTIAL
    rated = plant(built, "pv", roof, rated_kw=free.rated)
    area = float(built.pv.module_area[[built.facets.ids.index(n) for n in roof]].sum())
    by_area = plant(built, "pv", roof, area_m2=area)
    np.testing.assert_allclose(rated.power, free.power)
    np.testing.assert_allclose(by_area.power, free.power)
    assert "kWp/m2" in by_area.assumed
    field = plant(built, "solar-thermal", roof)
    assert field.assumed == ALL_USABLE
    np.testing.assert_allclose(
        plant(built, "solar-thermal", roof, area_m2=area).area, field.area
    )


def test_a_rating_makes_an_area_and_both_make_a_collector(built, roof):
    """ISO 9806: rated power is area times peak efficiency at 1000 W/m2."""
    by_rating = plant(built, "solar-thermal", roof, rated_kw=73.9)
    assert by_rating.area.sum() == pytest.approx(73.9 / FLAT_PLATE.optical)
    assert by_rating.rated == pytest.approx(73.9)
    assert "0.739 kW/m2" in by_rating.assumed
    both = plant(built, "solar-thermal", roof, rated_kw=60.0, area_m2=100.0)
    assert both.collector.optical == pytest.approx(0.6)
    assert both.rated == pytest.approx(60.0)
    assert both.assumed == ""


@settings(max_examples=40, deadline=None)
@given(
    which=st.lists(st.integers(0, 1000), min_size=1, max_size=6, unique=True),
    size=st.floats(1e-3, 1e6),
)
def test_whatever_the_facets_shares_make_the_whole(built, which, size):
    """Usable or not: nothing is lost and nothing is negative."""
    names = [built.facets.ids[k] for k in which]
    panels = plant(built, "pv", names, rated_kw=size)
    field = plant(built, "solar-thermal", names, area_m2=size)
    assert panels.power.sum() == pytest.approx(size)
    assert field.area.sum() == pytest.approx(size)
    assert (panels.power >= 0).all()
    assert (field.area >= 0).all()


def test_expected_power_grows_as_the_plant_does_until_its_limit(built, place, roof):
    day = june(built)

    def power(kind, **told):
        made = plant(built, kind, roof, **told)
        return expect(built.light, [made], day, place, **RECORD).power[0]

    for kind, size in (("pv", "rated_kw"), ("solar-thermal", "area_m2")):
        one, two = (power(kind, **{size: many}) for many in (10.0, 20.0))
        np.testing.assert_allclose(two, 2 * one, rtol=1e-5, atol=1e-9)
        limit = float(one.max() / 2)
        held = power(kind, **{size: 10.0, "limit_kw": limit})
        np.testing.assert_allclose(held, np.minimum(one, limit), rtol=1e-6, atol=1e-9)
        assert (held < one).any()


def test_what_was_assumed_is_told_with_the_expectation(built, place, roof):
    plants = [plant(built, "pv", roof), plant(built, "solar-thermal", roof, area_m2=5.0)]
    plants[1] = replace(plants[1], id="t")
    notes = expect(built.light, plants, june(built), place, **RECORD).basis.notes
    assert f"Of 2 systems 1: {AS_POTENTIAL}." in notes
    assert any("flat plates that preheat water at 35 deg C" in note for note in notes)
    told = [plant(built, "pv", roof, rated_kw=5.0)]
    notes = expect(built.light, told, june(built), place, **RECORD).basis.notes
    assert not any("system" in note for note in notes)


def test_nothing_is_expected_of_what_is_not_there(built, place, roof):
    """Rebuilt at midnight between two days: each plant has its own day."""
    conditions = june(built)
    swap = pd.Timestamp(int(conditions.start[24]), unit="us", tz="UTC").date()
    old = plant(built, "pv", roof, rated_kw=5.0, valid_to=swap)
    new = replace(plant(built, "pv", roof, rated_kw=8.0, valid_from=swap), id="new")
    found = expect(built.light, [old, new], conditions, place, **RECORD)
    assert np.isfinite(found.power[0, :24]).all()
    assert np.isnan(found.power[0, 24:]).all()
    assert np.isnan(found.power[1, :24]).all()
    assert np.isfinite(found.power[1, 24:]).all()
    assert isinstance(swap, date)


def test_heat_is_as_uncertain_as_the_light_it_is_made_of(built, place, roof):
    """What collectors lose is known; a tenth more light is more than a tenth more heat."""
    field = plant(built, "solar-thermal", roof, area_m2=10.0)
    found = expect(built.light, [field], june(built), place, **RECORD)
    lit = found.power[0] > 0
    share = found.doubt[0][lit] / found.power[0][lit]
    faint = np.argsort(found.power[0][lit])
    assert share[faint[0]] > 2 * share[faint[-1]]
    gained = found.rated[0] * field.use.system * found.light[0][lit] / 1000.0
    assert (found.doubt[0][lit] >= 0.065 * gained).all()


def test_systems_without_facets_have_no_plant_and_unknown_facets_are_refused(built):
    bare = System("s", DISTRICT, SystemKind.SOLAR_THERMAL, area_m2=4.0)
    meter = System("m", DISTRICT, SystemKind.HEAT, ("x",))
    assert plants_of(built, Model((), (bare, meter), ())) == ()
    with pytest.raises(TableError, match="collectors of s must lie on facets"):
        plant(built, "solar-thermal", ["no such roof"])
