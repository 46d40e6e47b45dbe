"""Expected powers are those of the typical year in its weather, and follow any other."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gis.errors import TableError
from meshes.solar.thermal import EVACUATED_TUBE, FLAT_PLATE
from meshes.solids import Kind
from twin.expectation.conditions import make_conditions
from twin.expectation.doubt import Doubt
from twin.expectation.plant import CollectorField, Panels
from twin.expectation.plants import plants_of
from twin.expectation.power import expect
from twin.expectation.relight import relight
from twin.expected import read_expected
from twin.model import DISTRICT, Model, System, SystemKind

RECORD = {"geometry": "g", "version": "1"}


def weather_of(built, rows=slice(None)):
    table = built.weather.table.iloc[rows]
    return make_conditions(
        table,
        latitude=built.district.latitude,
        longitude=built.district.longitude,
        source=built.weather.source,
    )


def test_the_typical_year_comes_out_as_the_build_has_it(built, folder, plants, place):
    """An independent way: bins looked up anew, blocks of steps, other sums."""
    year = read_expected(folder / "hourly.parquet")
    rows = slice(24 * 60, 24 * 240)
    found = expect(built.light, plants, weather_of(built, rows), place, **RECORD)
    owners = [name.split("/")[0] for name in found.systems]
    wanted = year.kw[[year.buildings.index(owner) for owner in owners], rows]
    assert found.power.sum() == pytest.approx(wanted.sum(), rel=2e-3)
    # Shadows' edges of single hours: another bin may be nearer than the own one.
    error = np.sqrt(((found.power - wanted) ** 2).mean())
    assert error < 0.01 * wanted[wanted > 0].mean()


def test_blocks_of_steps_change_nothing(built, plants, place):
    day = weather_of(built, slice(24 * 171, 24 * 173))
    whole = expect(built.light, plants[:3], day, place, **RECORD)
    halves = [
        expect(built.light, plants[:3], day.take(part), place, **RECORD).power
        for part in (slice(0, 24), slice(24, 48))
    ]
    np.testing.assert_allclose(np.hstack(halves), whole.power, rtol=1e-5, atol=1e-6)


def test_power_grows_with_light_and_falls_with_heat(built, plants, place):
    day = weather_of(built, slice(24 * 171, 24 * 172))
    base = expect(built.light, plants, day, place, **RECORD)
    hot = expect(
        built.light, plants, replace(day, temp_air=day.temp_air + 10), place, **RECORD
    )
    dim = expect(
        built.light,
        plants,
        replace(day, ghi=day.ghi / 2, dni=day.dni / 2, dhi=day.dhi / 2),
        place,
        **RECORD,
    )
    lit = base.power.sum(axis=0) > 0
    assert (hot.power <= base.power).all()
    assert (dim.power.sum(axis=0)[lit] < base.power.sum(axis=0)[lit]).all()
    # Ten degrees cost silicon 3 to 5 %.
    assert 0.95 < hot.power.sum() / base.power.sum() < 0.975


def test_quarters_of_even_weather_sum_up_to_the_hour(built, plants, place):
    table = built.weather.table.iloc[24 * 171 + 9 : 24 * 171 + 13][["ghi", "dni", "dhi"]]
    quarters = (
        table.resample("15min")
        .ffill()
        .reindex(pd.date_range(table.index[0], periods=16, freq="15min"))
        .ffill()
    )
    where = {"latitude": place.latitude, "longitude": place.longitude, "source": "test"}
    hours, fine = (
        expect(built.light, plants, make_conditions(rows, **where), place, **RECORD)
        for rows in (table, quarters)
    )
    assert fine.step * 4 == hours.step
    mean = fine.power.reshape(len(plants), 4, 4).mean(axis=2)
    np.testing.assert_allclose(mean.sum(axis=0), hours.power.sum(axis=0), rtol=0.01)


def test_unknown_weather_gives_unknown_power_and_night_none(built, plants, place):
    day = weather_of(built, slice(24 * 171, 24 * 172))
    holes = replace(day, dni=np.where(np.arange(24) == 11, np.nan, day.dni))
    found = expect(built.light, plants[:2], holes, place, **RECORD)
    assert np.isnan(found.power[:, 11]).all()
    assert (found.power[:, [0, 23]] == 0).all()
    assert (found.doubt[:, [0, 23]] == 0).all()
    assert np.isfinite(np.delete(found.power, 11, axis=1)).all()


def test_the_inverter_limits(built, plants, place):
    noon = weather_of(built, slice(24 * 171 + 10, 24 * 171 + 12))
    free = expect(built.light, plants[:1], noon, place, **RECORD)
    limit = float(free.power.max() / 2)
    held = expect(built.light, [replace(plants[0], limit=limit)], noon, place, **RECORD)
    np.testing.assert_allclose(held.power, np.minimum(free.power, limit))


def test_collectors_do_as_their_closed_form_says(built, place):
    """On an open level roof: light times optics less losses, at the same light."""
    level = np.flatnonzero(
        (built.facets.kind == Kind.ROOF)
        & (built.facets.normal[:, 2] > 0.999)
        & (built.light.facet_sky_view > 0.99)
    )[:1]
    noon = weather_of(built, slice(24 * 171 + 11, 24 * 171 + 12))
    fields = [
        CollectorField("flat", level, np.array([10.0]), FLAT_PLATE),
        CollectorField("tube", level, np.array([10.0]), EVACUATED_TUBE),
    ]
    found = expect(built.light, fields, noon, place, **RECORD)
    now = relight(
        built.light,
        noon,
        latitude=place.latitude,
        longitude=place.longitude,
        grid_convergence=place.grid_convergence,
    )
    cosine = float((now.path.direction[:, 2] * now.path.share).sum())
    above = 35.0 - noon.temp_air[0]
    beam = noon.dni[0] * cosine
    rest = found.light[0, 0] - beam
    wanted = (
        FLAT_PLATE.optical
        * (beam * FLAT_PLATE.modifier(np.array(cosine)) + FLAT_PLATE.diffuse * rest)
        - FLAT_PLATE.loss * above
        - FLAT_PLATE.loss_slope * above**2
    )
    assert found.power[0, 0] == pytest.approx(10.0 * wanted * 0.85 / 1000, rel=0.01)
    assert np.isnan(found.cell).all()
    # The same field, told by its area as a thing of the twin.
    roof = System("t", DISTRICT, SystemKind.SOLAR_THERMAL, (built.facets.ids[level[0]],))
    told = plants_of(built, Model((), (replace(roof, area_m2=10.0),), ()))
    again = expect(built.light, told, noon, place, **RECORD)
    np.testing.assert_allclose(again.power[0], found.power[0])


def test_hotter_fluid_gives_less_heat(built, plants, place):
    june = weather_of(built, slice(24 * 171, 24 * 175))
    area = np.full(len(plants[0].facets), 5.0)
    fields = [
        CollectorField(name, plants[0].facets, area, feeds_network=hot)
        for name, hot in (("water", False), ("network", True))
    ]
    found = expect(built.light, fields, june, place, **RECORD)
    assert found.power[1].sum() < found.power[0].sum()
    assert (found.power[1] <= found.power[0] + 1e-9).all()


def test_the_model_is_named_by_all_that_makes_it(built, plants, place):
    day = weather_of(built, slice(0, 24))

    def named(some, **record):
        return expect(built.light, some, day, place, **{**RECORD, **record}).basis.model

    base = named(plants[:2])
    assert base == named(plants[:2])
    others = {
        named(plants[:1]),
        named([replace(plants[0], losses=0.15), plants[1]]),
        named(plants[:2], geometry="h"),
        named(plants[:2], version="2"),
    }
    assert base not in others
    assert len(others) == 4


def test_doubt_holds_its_parts(built, plants, place):
    """Under a steady sky it is the root of the sum of squares, more under clouds."""
    times = pd.date_range("2026-06-21 10:00", periods=4, freq="h", tz="UTC")
    steady = pd.DataFrame({"dni": 700.0, "dhi": 100.0, "ghi": 650.0}, index=times)
    cloudy = steady.assign(dhi=[100.0, 400.0, 100.0, 400.0])
    where = {"latitude": place.latitude, "longitude": place.longitude, "source": "test"}
    calm, torn = (
        expect(built.light, plants[:1], make_conditions(rows, **where), place, **RECORD)
        for rows in (steady, cloudy)
    )
    parts = Doubt()
    share = np.sqrt(parts.sun**2 + parts.planes**2 + parts.system**2)
    wanted = np.hypot(calm.power * share, parts.floor * calm.rated[0])
    np.testing.assert_allclose(calm.doubt, wanted)
    assert (torn.doubt / torn.power > calm.doubt / calm.power).all()


def test_plants_that_cannot_be_are_refused(built, plants, place):
    day = weather_of(built, slice(0, 24))
    off = Panels("x", np.array([10**6]), np.ones(1), np.ones(1))
    with pytest.raises(TableError, match="occurs twice"):
        expect(built.light, [plants[0], plants[0]], day, place, **RECORD)
    with pytest.raises(TableError, match="facets"):
        expect(built.light, [off], day, place, **RECORD)


def test_a_day_in_quarters_takes_well_under_a_second(built, plants, place):
    table = built.weather.table.iloc[24 * 171 : 24 * 172]
    quarters = table.resample("15min").ffill()
    day = make_conditions(
        quarters, latitude=place.latitude, longitude=place.longitude, source="test"
    )
    expect(built.light, plants, day, place, **RECORD)
    begun = time.process_time()
    expect(built.light, plants, day, place, **RECORD)
    assert time.process_time() - begun < 2.0, "0.4 s on two free cores"
