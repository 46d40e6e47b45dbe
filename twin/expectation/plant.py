"""Say what a solar plant is, as far as its power goes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from gis.horizon import HorizonLine
from meshes.solar.photovoltaics import STC
from meshes.solar.thermal import FLAT_PLATE, Collector, HeatUse
from twin.expectation.conditions import FloatArray, IntArray


@dataclass(frozen=True)
class Panels:
    """Solar panels that are measured as one.

    Attributes
    ----------
    id : str
        Of the system.
    facets : (k,) int
        Facets they lie on, in their plane.
    power : (k,) float
        Rated power on each [kWp].
    gain : (k,) float
        Light where the panels lie by the mean of their facet [-].
    losses : float
        Share lost in cables, inverter, dirt and mismatch [-].
    limit : float
        Most that the inverter gives [kW].
    since, until : int or None
        First moment at which it is there, and first at which it is not [microseconds since
        1970, UTC]; None where there is no such moment.
    assumed : str
        What was assumed of its size, in words; "" where it is told.
    """

    id: str
    facets: IntArray
    power: FloatArray
    gain: FloatArray
    losses: float = 0.14
    limit: float = float("inf")
    since: int | None = None
    until: int | None = None
    assumed: str = ""

    @property
    def rated(self) -> float:
        """Rated power of all [kW]."""
        return float(self.power.sum())


@dataclass(frozen=True)
class CollectorField:
    """Solar collectors that are measured as one.

    Attributes
    ----------
    id : str
        Of the system.
    facets : (k,) int
        Facets they lie on, in their plane.
    area : (k,) float
        Gross area on each [m2].
    collector : Collector
        Parameters of ISO 9806.
    use : HeatUse
        Temperatures and the share of the heat that arrives.
    feeds_network : bool
        Whether it works at the network's temperatures or preheats hot water.
    limit : float
        Most that its pump and exchanger carry [kW].
    since, until : int or None
        First moment at which it is there, and first at which it is not [microseconds since
        1970, UTC]; None where there is no such moment.
    assumed : str
        What was assumed of its size, in words; "" where it is told.
    """

    id: str
    facets: IntArray
    area: FloatArray
    collector: Collector = FLAT_PLATE
    use: HeatUse = field(default_factory=HeatUse)
    feeds_network: bool = False
    limit: float = float("inf")
    since: int | None = None
    until: int | None = None
    assumed: str = ""

    @property
    def rated(self) -> float:
        """Power at 1000 W/m2 with the fluid as warm as the air [kW]."""
        return float(self.area.sum()) * self.collector.optical * STC / 1000.0


Plant = Panels | CollectorField


def size_notes(plants: Sequence[Plant]) -> tuple[str, ...]:
    """Say what was assumed of plants, a sentence for each assumption.

    Examples
    --------
    >>> import numpy as np
    >>> none = np.zeros(0)
    >>> told, guessed = (Panels(k, none, none, none, assumed=k) for k in ("", "one size"))
    >>> size_notes([told, guessed])
    ('Of 2 systems 1: one size.',)
    """
    assumed = Counter(plant.assumed for plant in plants if plant.assumed)
    notes = [
        f"Of {len(plants):,} systems {count:,}: {what}." for what, count in assumed.items()
    ]
    uses = {
        plant.use
        for plant in plants
        if isinstance(plant, CollectorField) and not plant.feeds_network
    }
    notes += [
        f"Collectors are taken as flat plates that preheat water at {use.preheat:g} deg C, "
        f"of whose heat {use.system:.0%} arrives."
        for use in uses
    ]
    return tuple(notes)


@dataclass(frozen=True)
class Place:
    """Where a twin lies: latitude, longitude, its plan's north [degrees], far land."""

    latitude: float
    longitude: float
    grid_convergence: float = 0.0
    horizon: HorizonLine | None = None
