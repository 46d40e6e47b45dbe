"""Write numbers for people."""

import math

MISSING = "–"
NORTH_TO_SOUTH = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE")
SOUTH_TO_NORTH = ("S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
WINDS = (*NORTH_TO_SOUTH, *SOUTH_TO_NORTH)


def whole(value: float) -> str:
    """Return a rounded number with separated thousands, a dash for NaN.

    >>> whole(1234.5), whole(float("nan"))
    ('1,234', '–')
    """
    return f"{value:,.0f}" if math.isfinite(value) else MISSING


def energy(kilowatt_hours: float) -> str:
    """Return an energy [kWh] with three digits and a fitting unit.

    >>> energy(950), energy(12_345), energy(7_891_234), energy(98_765_432)
    ('950 kWh', '12.3 MWh', '7.89 GWh', '98.8 GWh')
    """
    for size, unit in ((1e6, "GWh"), (1e3, "MWh")):
        if kilowatt_hours >= size:
            value = kilowatt_hours / size
            digits = 2 if value < 10 else 1 if value < 100 else 0
            return f"{value:,.{digits}f} {unit}"
    return f"{whole(kilowatt_hours)} kWh"


def wind(azimuth: float) -> str:
    """Return the compass point of an azimuth [degrees clockwise from north].

    >>> wind(0), wind(91), wind(202), wind(359)
    ('N', 'E', 'SSW', 'N')
    """
    return WINDS[round(azimuth / 22.5) % 16]
