"""Keep what rules of daylight ask for, with their sources."""

from dataclasses import dataclass
from datetime import date

EXPOSURE_LEVELS = {"minimum": 1.5, "medium": 3.0, "high": 4.0}
"""Hours of sun on one day that EN 17037:2018, Daylight in buildings, recommends for a
dwelling, ward or nursery [h]; annex A, exposure to sunlight."""

EXPOSURE_FIRST, EXPOSURE_LAST = (2, 1), (3, 21)
"""First and last day, month and day, from which EN 17037 lets the day be chosen."""

LOWEST_SUN = 10.0
"""Height of the sun from which EN 17037 counts it [degrees]. Assumption: the standard has
a table by capital, which falls to the north and which was not at hand; it knows no
Helsingborg. A degree more takes about 7 minutes of a free east or west facade on 21 March.
"""

WANTED_HOURS, WANTED_WINDOW = 5.0, (9.0, 17.0)
"""Hours of sun between 9 and 17 at the equinox that the Swedish National Board of Housing
(Boverket, Solklart, 1991) wishes for homes, play areas and benches [h]; no law."""

SUNNY = 120.0
"""Direct light from which on the sun shines [W/m2]: World Meteorological Organization,
Guide to Instruments and Methods of Observation (WMO-No. 8), chapter 8."""

PROBABLE_YEAR, PROBABLE_WINTER = 0.25, 0.05
"""Share of the annual probable sunlight hours that a living room should get, all year and
from 21 September to 21 March, both of the whole year's hours: Littlefair, Site layout
planning for daylight and sunlight, BRE report 209."""

WINTER_FIRST, WINTER_LAST = (9, 21), (3, 21)
"""First and last day of BRE's winter, month and day."""

FREE_VERTICAL = 3 / 14 + 4 / (7 * 3.141592653589793)
"""Sky component of a free vertical plane, 0.396: integral of the CIE overcast sky."""

VERTICAL_SKY = 0.27
"""Sky component of a window's middle at which enough daylight should reach the room: BRE
report 209."""


@dataclass(frozen=True)
class Level:
    """A level that a value must reach.

    Attributes
    ----------
    name : str
        What to call it.
    least : float
        Least value, in the unit of what is measured.
    """

    name: str
    least: float


def is_exposure_day(day: date) -> bool:
    """Tell whether EN 17037 lets this day be chosen."""
    return EXPOSURE_FIRST <= (day.month, day.day) <= EXPOSURE_LAST


def is_winter(month: int, day: int) -> bool:
    """Tell whether a day lies in BRE's winter, 21 September to 21 March."""
    return (month, day) >= WINTER_FIRST or (month, day) <= WINTER_LAST
