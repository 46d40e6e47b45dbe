"""Turn the unit texts of the world into the one unit of each quantity.

A unit is looked up once, when a point is registered, and gives a factor and an offset;
values are then converted as arrays.
"""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from gis.errors import TableError
from twin.quantities import Quantity

if TYPE_CHECKING:
    import pint

LONGEST = 60
"""Letters of a unit text; the longest known one has half as many."""

TABLE = """
W       power           1           W               WTT  watt J/s
kW      power           1000        KiloW           KWT  kilowatt kWh/h kJ/s kWh/timme
mW      power           1/1000      MilliW          C31  milliwatt
MW      power           1000000     MegaW           MAW  megawatt MWh/h MJ/s
GW      power           1000000000  GigaW           A90  gigawatt GWh/h GJ/s
VA      apparent_power  1           V-A             D46  voltampere
kVA     apparent_power  1000        KiloV-A         KVA  kilovoltampere
var     reactive_power  1           V-A_Reactive    D44  VAr
kvar    reactive_power  1000        KiloV-A_Reactive KVR  kVAr
kVAh    apparent_energy 3600000     KiloV-A-HR      C79
varh    reactive_energy 3600        V-A_Reactive-HR -    VArh
kvarh   reactive_energy 3600000     KiloV-A_Reactive-HR K3   kVArh
J       energy          1           J               JOU  joule Ws W.s
kJ      energy          1000        KiloJ           KJO  kilojoule kWs
mJ      energy          1/1000      MilliJ          C15  millijoule
MJ      energy          1000000     MegaJ           3B   megajoule
GJ      energy          1000000000  GigaJ           GV   gigajoule
TJ      energy          1000000000000 TeraJ           D30  terajoule
Wh      energy          3600        W-HR            WHR  W.h W*h W-h Whr wattimme
    wattimmar watthour
kWh     energy          3600000     KiloW-HR        KWH  kW.h kW*h kW-h kWhr kW-hr
    kilowattimme kilowattimmar kilowatthour kilowatthours
mWh     energy          18/5        MilliW-HR       -    mW.h
MWh     energy          3600000000  MegaW-HR        MWH  MW.h MW*h MW-h MWhr megawattimme
    megawattimmar megawatthour
GWh     energy          3600000000000 GigaW-HR        GWH  GW.h GW*h gigawattimme
    gigawattimmar
K       temperature     1           K               KEL  kelvin degK °K
degC    temperature     1+5463/20   DEG_C           CEL  Cel C °C oC celsius degreeCelsius
    degreesCelsius degree_celsius degrees_celsius deg_C graderC graderCelsius gradC
degF    temperature     5/9+45967/180 DEG_F           FAH  [degF] F °F oF fahrenheit
    degreeFahrenheit degreesFahrenheit deg_F
m3      volume          1           M3              MTQ  M3 cbm kubikmeter kubikm
    cubicmeter cubicmeters cubicmetre cubicmetres
l       volume          1/1000      L               LTR  L liter litre litres liters dm3
    DMQ
ml      volume          1/1000000   MilliL          MLT  mL milliliter millilitre cm3 CMQ
hl      volume          1/10        HectoL          HLT  hL hektoliter hectolitre
m3/h    volume_flow     1/3600      M3-PER-HR       MQH  M3/H M3/h m3/hr m3/hour m3/tim
    m3/timme m3.h-1 m3h-1 cbm/h kbm/h
m3/min  volume_flow     1/60        M3-PER-MIN      G53  m3.min-1
m3/s    volume_flow     1           M3-PER-SEC      MQS  M3/S m3/sec m3.s-1 m3s-1
m3/d    volume_flow     1/86400     M3-PER-DAY      G52  m3/day m3/dygn m3.d-1
l/h     volume_flow     1/3600000   L-PER-HR        E32  E92 L/h l/hr L/hr l/tim l/timme
    liter/timme liter/h litre/hour l.h-1 lph
l/min   volume_flow     1/60000     L-PER-MIN       L2   L/min l/minut liter/minut
    liter/min l.min-1 lpm
l/s     volume_flow     1/1000      L-PER-SEC       G51  L/s l/sec l/sek liter/s
    liter/sekund l.s-1 lps
%       ratio           1/100       PERCENT         P1   percent pct procent /100 %RH %rh
    %EL %rF %RF RH% [%]
‰       ratio           1/1000      PERMILLE        NX   /1000 promille permille [ppth]
ppm     ratio           1/1000000   PPM             59   [ppm] ppmv ppm(v) partspermillion
    μmol/mol
ppb     ratio           1/1000000000 PPB             61   [ppb] ppbv
1       ratio           1           UNITLESS        C62  / NUM count state code one
    none antal st {count}
W/m2    irradiance      1           W-PER-M2        D54  W.m-2 Wm-2 W/sqm watt/m2
kW/m2   irradiance      1000        KiloW-PER-M2    -    kW.m-2
mW/cm2  irradiance      10          MilliW-PER-CentiM2 -
Pa      pressure        1           PA              PAL  pascal N/m2
hPa     pressure        100         HectoPA         A97  hektopascal hectopascal
kPa     pressure        1000        KiloPA          KPA  kilopascal
mPa     pressure        1/1000      MilliPA         74
MPa     pressure        1000000     MegaPA          MPA  megapascal
bar     pressure        100000      BAR             BAR
mbar    pressure        100         MilliBAR        MBR  MBAR mb millibar
kg      mass            1           KiloGM          KGM  kilo kilogram kilogramme
g       mass            1/1000      GM              GRM  gram gramme
mg      mass            1/1000000   MilliGM         MGM  milligram
t       mass            1000        TON_Metric      TNE  ton tonne tonnes
m       length          1           M               MTR  meter metre
mm      length          1/1000      MilliM          MMT  millimeter millimetre
cm      length          1/100       CentiM          CMT  centimeter
m/s     speed           1           M-PER-SEC       MTS  M/S m/sec m/sek m.s-1 ms-1
    meter/s mps
km/h    speed           5/18        KiloM-PER-HR    KMH  km/tim km/timme km/hr kph kmh
    km.h-1
kn      speed           463/900     KN              KNT  [kn_i] knot knots knop kt kts
mm/h    speed           1/3600000   MilliM-PER-HR   H67  MM/H mm/hr mm/hour mm/tim
    mm/timme mm.h-1 l/m2/h
mm/min  speed           1/60000     MilliM-PER-MIN  -
m/h     speed           1/3600      M-PER-HR        M60  m/hr
deg     angle           1           DEG             DD   ° degree degrees grader degN
rad     angle           -           RAD             C81  radian radians
V       voltage         1           V               VLT  volt
mV      voltage         1/1000      MilliV          2Z   millivolt
kV      voltage         1000        KiloV           KVT  kilovolt
MV      voltage         1000000     MegaV           B78  megavolt
A       current         1           A               AMP  ampere amp
mA      current         1/1000      MilliA          4K   milliampere
kA      current         1000        KiloA           B22  kiloampere
MA      current         1000000     MegaA           -
Hz      frequency       1           HZ              HTZ  hertz
"""
"""One unit a line, or two where the second begins with a blank: its text here, its
dimension, what one of it is in the dimension's own unit (a sum names the zero point as
well), its name in QUDT, its code of UN/CEFACT Recommendation 20, and other texts: those of
UCUM and SenML (RFC 8428, RFC 8798) and spellings in Swedish and English. Blanks do not
count in texts."""

RADIAN = Fraction(180.0 / np.pi)
"""[degrees]; all other factors are exact."""

# Dimensions whose units pint may read where this table does not know them. Of shares,
# angles and counts it thinks as one, of apparent power as power.
_BASES = {
    "power": "watt",
    "energy": "joule",
    "temperature": "kelvin",
    "volume": "meter**3",
    "volume_flow": "meter**3/second",
    "irradiance": "watt/meter**2",
    "pressure": "pascal",
    "mass": "kilogram",
    "speed": "meter/second",
    "voltage": "volt",
    "current": "ampere",
}

_PREFIXES = (
    "http://qudt.org/vocab/unit/",
    "https://qudt.org/vocab/unit/",
    "unit:",
    "qudt:",
    "ucum:",
)

# What pint is asked to read: names, powers of one digit, products and quotients. Its own
# grammar knows sums, brackets and powers of powers, which take for ever where one likes.
_PLAIN = re.compile(r"[A-Za-zμ_]+(\*{0,2}-?[1-4])?([*/.][A-Za-zμ_]+(\*{0,2}-?[1-4])?){0,4}")

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Conversion:
    """Way from a unit to another: times a factor, plus an offset."""

    factor: float
    offset: float = 0.0

    @overload
    def __call__(self, values: float) -> float: ...

    @overload
    def __call__(self, values: FloatArray) -> FloatArray: ...

    def __call__(self, values: float | FloatArray) -> float | FloatArray:
        """Return values in the other unit."""
        return values * self.factor + self.offset


@dataclass(frozen=True)
class _Unit:
    """A unit: one of it is so many of its dimension's own, and its zero lies so high."""

    text: str
    dimension: str
    factor: Fraction
    zero: Fraction
    qudt: str


def converter(text: str, quantity: Quantity) -> Conversion:
    """Return the way from a unit text to the unit of a quantity.

    Parameters
    ----------
    text : str
        UCUM, UN/CEFACT, SenML, QUDT (name or address), or a common spelling. Case counts
        where it makes a difference: mW is not MW.
    quantity : Quantity
        What is measured.

    Returns
    -------
    Conversion
        Exact to the last bit of a float where the table knows the unit.

    Raises
    ------
    TableError
        If the unit is unknown, ambiguous, a difference of temperatures, or of another
        dimension.

    Examples
    --------
    >>> converter("MWh", Quantity.HEAT_ENERGY)
    Conversion(factor=1000.0, offset=0.0)
    >>> converter("59", Quantity.CO2)
    Conversion(factor=1.0, offset=0.0)
    """
    try:
        found = conversion(text, to=quantity.unit)
    except TableError as error:
        message = f"unit of {quantity}: {error}"
        raise TableError(message) from error
    if quantity.unit == "1" and found != Conversion(1.0):
        message = f"unit of {quantity}: it is a plain number, got {text!r}; send no unit"
        raise TableError(message)
    return found


def conversion(text: str, *, to: str) -> Conversion:
    """Return the way from one unit text to another.

    Parameters
    ----------
    text, to : str
        As for `converter`.

    Raises
    ------
    TableError
        As `converter` does.
    """
    found = _found(text, to)
    if isinstance(found, str):
        raise TableError(found)
    return found


@lru_cache(maxsize=4096)
def _found(text: str, to: str) -> Conversion | str:
    """Return the way from a unit to another or, where there is none, why not.

    Both are remembered: whoever sends nonsense sends it often.
    """
    try:
        return _way(text, to)
    except TableError as error:
        return str(error)


def _way(text: str, to: str) -> Conversion:
    """Return the way from a unit to another."""
    goal = _known(to)
    if goal is None:
        message = f"{to!r} must be a unit of the table in twin/units.py"
        raise TableError(message)
    given = _known(text)
    if given is None:
        return _foreign(text, goal)
    if given.dimension != goal.dimension:
        message = (
            f"{text!r} is a unit of {given.dimension.replace('_', ' ')}, but must be one "
            f"of {goal.dimension.replace('_', ' ')}, like {goal.text}; check the mapping"
        )
        raise TableError(message)
    factor = given.factor / goal.factor
    offset = (given.zero - goal.zero) / goal.factor
    return Conversion(float(factor), float(offset))


def qudt_name(unit: str) -> str:
    """Return the name of a quantity's unit in QUDT.

    Examples
    --------
    >>> qudt_name("kWh")
    'KiloW-HR'
    """
    return _UNITS[unit].qudt


def texts_of(unit: str) -> tuple[str, ...]:
    """Return the other texts that mean a unit of the table, as the table lists them."""
    return tuple(text for text, symbol in _TEXTS.items() if symbol == unit != text)


def _known(text: str) -> _Unit | None:
    """Return the unit of the table that a text means, None if there is none."""
    plain = _plain(text)
    if plain in _TEXTS:
        return _UNITS[_TEXTS[plain]]
    if len(plain) < 2:
        return None
    # Small and large letters may be mixed up, but never the m of milli and mega.
    alike = _FOLDED.get(plain.casefold(), ())
    symbols = sorted({symbol for symbol, _ in alike})
    turned = any({plain[0], known[0]} == {"m", "M"} for _, known in alike)
    if len(symbols) > 1 or turned:
        message = (
            f"{text!r} must be written with small and large letters as meant, "
            f"{' or '.join(symbols)}: small m is milli and large M is mega"
        )
        raise TableError(message)
    return _UNITS[symbols[0]] if symbols else None


def _plain(text: str) -> str:
    """Return a unit text without its adornments."""
    if len(text) > LONGEST:
        message = f"a unit must have at most {LONGEST} letters, got {text[:LONGEST]!r}..."
        raise TableError(message)
    plain = unicodedata.normalize("NFKC", text).strip()
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    plain = plain.translate(_ADORNMENTS)
    plain = re.sub(r"\s+|\^|\*\*", "", plain)
    if re.match(r"delta|diff|[Δ∆]", plain, re.IGNORECASE) or plain.endswith("_DIFF"):
        message = f"{text!r} is a difference of temperatures, no temperature; use K or degC"
        raise TableError(message)
    if not plain:
        message = "a unit must be told, got an empty text; name it in the mapping"
        raise TableError(message)
    return plain


def _foreign(text: str, goal: _Unit) -> Conversion:
    """Return the way from a unit that only pint knows."""
    unknown = f"unknown unit {text!r}; write it like {goal.text} or name it in the mapping"
    base = _BASES.get(goal.dimension)
    plain = unicodedata.normalize("NFKC", text).translate(_ADORNMENTS)
    plain = re.sub(r"\s+", "", plain.replace("^", "**"))
    if base is None or not _PLAIN.fullmatch(plain) or "delta_" in plain:
        raise TableError(unknown)
    import pint

    registry = _registry()
    try:
        unit = registry.parse_units(plain.replace(".", "*"))
        if not unit.is_compatible_with(base):
            message = (
                f"{text!r} must be a unit of {goal.dimension.replace('_', ' ')}, like "
                f"{goal.text}, got {unit.dimensionality}; check the mapping"
            )
            raise TableError(message)
        # Three values: a logarithmic unit is no straight line.
        at = [float(registry.Quantity(k, unit).to(base).magnitude) for k in (0.0, 1.0, 2.0)]
    except (pint.errors.PintError, ArithmeticError, AttributeError) as error:
        raise TableError(unknown) from error
    if not np.isclose(at[2] - at[1], at[1] - at[0], rtol=1e-9):
        raise TableError(unknown)
    own, zero = float(goal.factor), float(goal.zero)
    return Conversion((at[1] - at[0]) / own, (at[0] - zero) / own)


@lru_cache(maxsize=1)
def _registry() -> "pint.UnitRegistry[Any]":
    """Make pint's table; it costs half a second, and few unit texts need it."""
    import pint

    return pint.UnitRegistry()


def _number(text: str) -> Fraction:
    """Return a factor of the table."""
    return RADIAN if text == "-" else Fraction(text)


def _lines() -> tuple[dict[str, _Unit], dict[str, str], dict[str, list[tuple[str, str]]]]:
    """Return units by their text, texts by their unit, and texts in small letters."""
    units: dict[str, _Unit] = {}
    texts: dict[str, str] = {}
    folded: dict[str, list[tuple[str, str]]] = {}
    for line in TABLE.strip().replace("\n ", " ").splitlines():
        text, dimension, size, qudt, code, *others = line.split()
        factor, _, zero = size.partition("+")
        units[text] = _Unit(text, dimension, _number(factor), Fraction(zero or "0"), qudt)
        for name in (text, qudt, code, *others):
            if name != "-" and texts.setdefault(name, text) != text:
                message = f"{name} must mean one unit, got {texts[name]} and {text}"
                raise TableError(message)
        for name in (text, *others):
            # Codes are written in one way; a wrong one shall not be taken for another.
            if len(name) > 1:
                folded.setdefault(name.casefold(), []).append((text, name))
    return units, texts, folded


_ADORNMENTS = str.maketrans(
    {"·": ".", "⋅": ".", "∙": ".", "•": ".", "−": "-", "–": "-", "⁄": "/", "∕": "/"}
)

_UNITS, _TEXTS, _FOLDED = _lines()
