"""Hold one thing of a district: itself, a building, a system or a point."""

from dataclasses import dataclass
from datetime import date

from twin.quantities import Quantity
from twin.system_kinds import SystemKind

DISTRICT = ""
"""Stands for the building of systems that belong to the district as a whole."""

INTERVAL = 3600
"""Interval of points that name none [s]."""

ON_SURFACES = (SystemKind.PV, SystemKind.SOLAR_THERMAL)
"""Kinds that lie on roofs and walls: what they can give has a size."""


@dataclass(frozen=True)
class District:
    """The district itself; RealEstateCore calls it Site."""

    id: str = "district"
    name: str = ""


@dataclass(frozen=True)
class Building:
    """A building; Brick and RealEstateCore both call it Building.

    Attributes
    ----------
    id, name : str
        Stable id; name, "" where it has none.
    use : str
        What it is used for, "" where nobody knows.
    year : float or None
        Year of construction.
    floor_area : float or None
        Estimate of all storeys together, to the hundredth [m2].
    """

    id: str
    name: str
    use: str = ""
    year: float | None = None
    floor_area: float | None = None


@dataclass(frozen=True)
class System:
    """Equipment of one building or of the district; on surfaces, it names its facets.

    Attributes
    ----------
    id : str
        Stable id.
    building : str
        Id of its building; `DISTRICT` where it is the district's own.
    kind : SystemKind
    facets : tuple of str
        Roofs and walls that carry it.
    name : str
        "" where it has none.
    valid_from, valid_to : date or None
        First day on which it exists and first day on which it does not (UTC); None where
        there is no such day. What is rebuilt becomes another system from that day on.
    rated_kw : float or None
        Rated power of all its facets together [kW]: of panels under standard test
        conditions, of collectors at 1000 W/m2 with the fluid as warm as the air. Of
        `ON_SURFACES` only, like the others; None where nobody knows.
    area_m2 : float or None
        Area of the modules, or gross area of the collectors [m2].
    limit_kw : float or None
        Most that inverter or pump let through [kW].
    """

    id: str
    building: str
    kind: SystemKind
    facets: tuple[str, ...] = ()
    name: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    rated_kw: float | None = None
    area_m2: float | None = None
    limit_kw: float | None = None


@dataclass(frozen=True)
class Point:
    """One measured quantity of one system.

    Attributes
    ----------
    id, system : str
        Stable id; id of its system.
    quantity : Quantity
        What is measured; its unit is the point's.
    interval : int
        Time from one value to the next [s].
    name : str
        "" where it has none.
    brick : str
        Class in Brick where that of the quantity is too general; "" otherwise.
    valid_from, valid_to : date or None
        As for systems; a point is there only while its system is.
    largest : float or None
        Number at which a register starts again from 0, in the point's unit: 100,000 kWh of
        a meter that shows five digits. Of registers only; None where nobody knows.
    """

    id: str
    system: str
    quantity: Quantity
    interval: int = INTERVAL
    name: str = ""
    brick: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    largest: float | None = None

    @property
    def brick_class(self) -> str:
        """Class of the point in Brick."""
        return self.brick or self.quantity.brick
