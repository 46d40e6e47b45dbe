"""Describe kinds of quantities: powers, counters, temperatures, light, shares."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a quantity behaves over an interval."""

    STATE = "state"
    """How things are: the value at a moment, or the mean of an interval."""

    FLOW = "flow"
    """What passes per time: the mean of an interval; over time it adds up to an amount."""

    REGISTER = "register"
    """What has passed since the counter was set up: only differences tell something."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What there is to say of a quantity; see `Quantity`."""

    unit: str
    kind: Kind
    sign: int
    bounds: tuple[float, float]
    basis: str = "assumed"
    leap: float | None = None
    still: int | None = None
    meaning: str
    brick: str
    quantity_kind: str


HOUR = 3600

MOST_POWER = 20_000.0
"""Power that no building exceeds [kW]: assumed; the whole district has connections of some
megawatts."""

MOST_FLOW = 2_000.0
"""Water that passes no building's pipe in an hour [m3]: assumed; 20 MW at 10 K are 1720."""

SOLAR_CONSTANT = 1361.0
"""Sunlight outside the atmosphere at mean distance [W/m2] (Kopp and Lean 2011,
doi:10.1029/2010GL045777)."""

BSRN = (
    "BSRN Global Network quality tests, physically possible limits (Long and Dutton 2002)"
)
WMO = "WMO archive of weather and climate extremes"


def power(sign: int, brick: str, meaning: str, *, still: int | None = None) -> About:
    """Return what is to say of a power; the sign excludes the other direction."""
    # A little of the wrong sign is no fault where devices take current while they rest.
    low = 0.0 if sign > 0 else -MOST_POWER
    high = 1.0 if sign < 0 else MOST_POWER
    return About(
        unit="kW",
        kind=Kind.FLOW,
        sign=sign,
        bounds=(low, high),
        still=still,
        meaning=meaning,
        brick=brick,
        quantity_kind="Power",
    )


def energy(sign: int, brick: str, meaning: str) -> About:
    """Return what is to say of a counter of energy."""
    return About(
        unit="kWh",
        kind=Kind.REGISTER,
        sign=sign,
        # What a counter of ten digits shows.
        bounds=(0.0, 1e10),
        leap=MOST_POWER,
        meaning=meaning,
        brick=brick,
        quantity_kind="Energy",
    )


def temperature(
    bounds: tuple[float, float],
    brick: str,
    meaning: str,
    *,
    leap: float | None = None,
    still: int | None = None,
) -> About:
    """Return what is to say of a temperature."""
    return About(
        unit="degC",
        kind=Kind.STATE,
        sign=0,
        bounds=bounds,
        leap=leap,
        still=still,
        meaning=meaning,
        brick=brick,
        quantity_kind="Temperature",
    )


def light(high: float, meaning: str, basis: str = BSRN) -> About:
    """Return what is to say of a power of light."""
    return About(
        unit="W/m2",
        kind=Kind.FLOW,
        sign=0,
        # A thermopile shows less than nothing under a clear night sky.
        bounds=(-4.0, high),
        basis=basis,
        still=3 * HOUR,
        meaning=meaning,
        brick="Solar_Irradiance_Sensor",
        quantity_kind="Irradiance",
    )


def share(
    high: float,
    brick: str,
    meaning: str,
    *,
    leap: float | None = None,
    still: int | None = None,
    quantity_kind: str = "DimensionlessRatio",
) -> About:
    """Return what is to say of a share in per cent."""
    return About(
        unit="%",
        kind=Kind.STATE,
        sign=0,
        bounds=(0.0, high),
        leap=leap,
        still=still,
        meaning=meaning,
        brick=brick,
        quantity_kind=quantity_kind,
    )


def air(brick: str, meaning: str) -> About:
    """Return what is to say of a flow of air."""
    return About(
        unit="m3/h",
        kind=Kind.FLOW,
        sign=0,
        bounds=(0.0, 500_000.0),
        still=48 * HOUR,
        meaning=meaning,
        brick=brick,
        quantity_kind="VolumeFlowRate",
    )


def code(high: float, brick: str, meaning: str) -> About:
    """Return what is to say of a number without unit."""
    return About(
        unit="1",
        kind=Kind.STATE,
        sign=0,
        bounds=(0.0, high),
        meaning=meaning,
        brick=brick,
        quantity_kind="Dimensionless",
    )
