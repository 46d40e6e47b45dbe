"""Units mean what pint says they mean, and what cannot be meant is refused."""

import math
import subprocess
import sys

import numpy as np
import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import TableError
from twin.quantities import Quantity
from twin.units import TABLE, Conversion, conversion, converter, qudt_name, texts_of

UNITS = {
    line.split()[0]: line.split() for line in TABLE.strip().replace("\n ", " ").splitlines()
}
"""Words of each line of the table under its unit."""

REGISTRY = pint.UnitRegistry()

BASES = {
    "power": "watt",
    "energy": "joule",
    "temperature": "kelvin",
    "volume": "meter**3",
    "volume_flow": "meter**3/second",
    "irradiance": "watt/meter**2",
    "pressure": "pascal",
    "mass": "kilogram",
    "length": "meter",
    "speed": "meter/second",
    "voltage": "volt",
    "current": "ampere",
    "frequency": "hertz",
    "angle": "degree",
    "ratio": "dimensionless",
}

OTHERS = {"ton": "a short ton of 907 kg to pint, a tonne to a Swede"}
"""Texts by which pint means another unit of the same dimension."""


def in_pint(text: str, dimension: str) -> tuple[float, float] | None:
    """Return what 0 and 1 of a unit are in the dimension's own, None if pint knows none."""
    try:
        unit = REGISTRY.parse_units(text)
        return tuple(
            float(REGISTRY.Quantity(k, unit).to(BASES[dimension]).magnitude)
            for k in (0.0, 1.0)
        )
    except (pint.errors.PintError, AttributeError, ValueError, TypeError, AssertionError):
        return None


def test_the_table_agrees_with_pint_on_every_text_that_pint_knows():
    """An independent source: its definitions come from NIST and CODATA."""
    agreed, wrong = 0, []
    for symbol, (_, dimension, _, qudt, code, *others) in UNITS.items():
        for text in (symbol, *others):
            if text in OTHERS or dimension not in BASES:
                continue
            base = next(u for u, line in UNITS.items() if line[1:3] == [dimension, "1"])
            theirs = in_pint(text, dimension)
            if theirs is None:
                continue
            ours = conversion(text, to=base)
            slope, start = theirs[1] - theirs[0], theirs[0]
            agreed += 1
            if not (
                math.isclose(ours.factor, slope, rel_tol=1e-9)
                and math.isclose(ours.offset, start, rel_tol=1e-9, abs_tol=1e-9)
            ):
                wrong.append((text, ours, slope, start))
        for text in (qudt, code):
            if text != "-":
                assert conversion(text, to=symbol) == Conversion(1.0)
    assert wrong == []
    assert agreed > 150, "the comparison must compare something"


@pytest.mark.parametrize(
    ("text", "quantity", "factor", "offset"),
    [
        pytest.param("Cel", Quantity.AIR_TEMPERATURE, 1.0, 0.0, id="UCUM, SenML"),
        pytest.param("CEL", Quantity.AIR_TEMPERATURE, 1.0, 0.0, id="CEFACT"),
        pytest.param("K", Quantity.AIR_TEMPERATURE, 1.0, -273.15, id="absolute zero"),
        pytest.param("[degF]", Quantity.AIR_TEMPERATURE, 5 / 9, -160 / 9, id="0 degF"),
        pytest.param("59", Quantity.CO2, 1.0, 0.0, id="CEFACT 59 is ppm"),
        pytest.param("P1", Quantity.STATE_OF_CHARGE, 1.0, 0.0, id="CEFACT P1 is %"),
        pytest.param("/", Quantity.STATE_OF_CHARGE, 100.0, 0.0, id="SenML ratio"),
        pytest.param("/1000", Quantity.STATE_OF_CHARGE, 0.1, 0.0, id="RFC 8798"),
        pytest.param("%RH", Quantity.RELATIVE_HUMIDITY, 1.0, 0.0, id="SenML humidity"),
        pytest.param("J", Quantity.HEAT_ENERGY, 1 / 3.6e6, 0.0, id="joules"),
        pytest.param("GJ", Quantity.HEAT_ENERGY, 1e9 / 3.6e6, 0.0, id="heat meters"),
        pytest.param("unit:KiloW-HR", Quantity.HEAT_ENERGY, 1.0, 0.0, id="QUDT, short"),
        pytest.param(
            "http://qudt.org/vocab/unit/MegaW-HR",
            Quantity.HEAT_ENERGY,
            1000.0,
            0.0,
            id="QUDT, whole",
        ),
        pytest.param("l/s", Quantity.SUPPLY_AIR_FLOW, 3.6, 0.0, id="Swedish ventilation"),
        pytest.param("l/h", Quantity.FLOW, 0.001, 0.0, id="heat meters"),
        pytest.param("m³/h", Quantity.FLOW, 1.0, 0.0, id="raised figures"),
        pytest.param("W m⁻²", Quantity.GHI, 1.0, 0.0, id="raised minus"),
        pytest.param("㎾", Quantity.PV_POWER, 1.0, 0.0, id="one letter"),
        pytest.param("℃", Quantity.AIR_TEMPERATURE, 1.0, 0.0, id="one letter degC"),
        pytest.param("Kilowattimmar", Quantity.PV_ENERGY, 1.0, 0.0, id="Swedish"),
        pytest.param("kWh/h", Quantity.HEAT_POWER, 1.0, 0.0, id="Swedish power"),
        pytest.param("mbar", Quantity.PRESSURE, 1.0, 0.0, id="1 mbar is 1 hPa"),
        pytest.param("kn", Quantity.WIND_SPEED, 1852 / 3600, 0.0, id="a sea mile an hour"),
        pytest.param("rad", Quantity.WIND_DIRECTION, 180 / math.pi, 0.0, id="radians"),
    ],
)
def test_known_texts_are_converted(text, quantity, factor, offset):
    found = converter(text, quantity)
    assert (found.factor, found.offset) == pytest.approx((factor, offset), rel=1e-15)


@pytest.mark.parametrize(
    ("text", "quantity", "told"),
    [
        ("mwh", Quantity.HEAT_ENERGY, "MWh or mWh: small m is milli and large M is mega"),
        ("Mw", Quantity.PV_POWER, "MW or mW"),
        ("Mbar", Quantity.PRESSURE, "mbar"),
        ("delta_degC", Quantity.AIR_TEMPERATURE, "difference of temperatures"),
        ("Δ°C", Quantity.AIR_TEMPERATURE, "difference of temperatures"),
        (
            "kW",
            Quantity.HEAT_ENERGY,
            "a unit of power, but must be one of energy, like kWh",
        ),
        ("kVA", Quantity.ELECTRICITY_POWER, "a unit of apparent power"),
        ("kvarh", Quantity.ELECTRICITY_IMPORT, "a unit of reactive energy"),
        ("mm", Quantity.PRECIPITATION, "a unit of length"),
        ("%", Quantity.BEMS_STATE, "a plain number"),
        ("deg", Quantity.STATE_OF_CHARGE, "a unit of angle"),
        ("furlong", Quantity.PRESSURE, "must be a unit of pressure"),
        ("quatsch", Quantity.PV_POWER, "unknown unit 'quatsch'; write it like kW"),
        ("quatsch", Quantity.CO2, "unknown unit"),
        ("dBm", Quantity.PV_POWER, "unknown unit"),
        ("", Quantity.PV_POWER, "must be told"),
        ("  ", Quantity.BEMS_ALARM, "must be told"),
        ("9**9**9**9", Quantity.PV_POWER, "unknown unit"),
        ("(" * 50, Quantity.PV_POWER, "unknown unit"),
        ("W" * 61, Quantity.PV_POWER, "at most 60 letters"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(text, quantity, told):
    for _ in range(2):  # remembered refusals say the same
        with pytest.raises(TableError) as caught:
            converter(text, quantity)
        assert told in str(caught.value)
        assert str(caught.value).startswith(f"unit of {quantity}: ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "quantity", "factor"),
    [
        # Factors by definition: international foot and pound, thermochemical calorie.
        ("psi", Quantity.PRESSURE, 4.4482216152605 / 0.0254**2 / 100),
        ("mph", Quantity.WIND_SPEED, 1609.344 / 3600),
        ("kcal", Quantity.HEAT_ENERGY, 4184 / 3.6e6),
        ("ft**3/min", Quantity.SUPPLY_AIR_FLOW, 0.3048**3 * 60),
        ("ft^3/min", Quantity.SUPPLY_AIR_FLOW, 0.3048**3 * 60),
    ],
)
def test_pint_reads_what_the_table_lacks(text, quantity, factor):
    assert converter(text, quantity) == Conversion(pytest.approx(factor, rel=1e-9), 0.0)


@pytest.mark.parametrize("quantity", Quantity)
def test_a_quantitys_own_unit_changes_no_bit(quantity):
    own = converter(quantity.unit, quantity)
    assert (own.factor, own.offset) == (1.0, 0.0)
    assert all(converter(text, quantity) == own for text in texts_of(quantity.unit))
    assert converter(qudt_name(quantity.unit), quantity) == own


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.floats(-1e6, 1e6))
def test_there_and_back_is_the_same(one, other, value):
    if UNITS[one][1] != UNITS[other][1]:
        with pytest.raises(TableError):
            conversion(one, to=other)
        return
    there, back = conversion(one, to=other), conversion(other, to=one)
    scale = abs(value) + abs(back.offset)
    assert back(there(value)) == pytest.approx(value, abs=1e-12 * scale + 1e-300)


@given(st.text(max_size=70), st.sampled_from(Quantity))
def test_no_text_whatever_ends_in_anything_but_a_way_or_a_line(text, quantity):
    try:
        found = converter(text, quantity)
    except TableError:
        return
    assert math.isfinite(found.factor)
    assert found.factor > 0


def test_arrays_are_converted_as_single_values_are():
    way = converter("degF", Quantity.AIR_TEMPERATURE)
    values = np.array([-40.0, 32.0, 212.0, np.nan])
    assert way(values)[:3] == pytest.approx([-40.0, 0.0, 100.0], abs=1e-13)
    assert [way(value) for value in values[:3]] == list(way(values)[:3])
    assert np.isnan(way(values)[3])


def test_pint_is_loaded_only_for_what_the_table_lacks():
    code = (
        "import sys; from twin.quantities import Quantity;"
        "from twin.units import converter;"
        "converter('MWh', Quantity.HEAT_ENERGY); assert 'pint' not in sys.modules;"
        "converter('kcal', Quantity.HEAT_ENERGY); assert 'pint' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
