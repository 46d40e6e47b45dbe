"""Say what a solar plant is, as far as its power goes."""

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
    """

    id: str
    facets: IntArray
    power: FloatArray
    gain: FloatArray
    losses: float = 0.14
    limit: float = float("inf")

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
    """

    id: str
    facets: IntArray
    area: FloatArray
    collector: Collector = FLAT_PLATE
    use: HeatUse = field(default_factory=HeatUse)
    feeds_network: bool = False

    @property
    def rated(self) -> float:
        """Power at 1000 W/m2 with the fluid as warm as the air [kW]."""
        return float(self.area.sum()) * self.collector.optical * STC / 1000.0


Plant = Panels | CollectorField


@dataclass(frozen=True)
class Place:
    """Where a twin lies: latitude, longitude, its plan's north [degrees], far land."""

    latitude: float
    longitude: float
    grid_convergence: float = 0.0
    horizon: HorizonLine | None = None
