"""Compute the heat of solar collectors by ISO 9806."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.errors import TableError
from gis.weather import Weather
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.hourly import facet_hours, sky_hours
from meshes.solar.irradiance import Irradiation

STEPS = 200
"""Steps of the table of the incidence modifier over the cosine."""

SIGHT = 60.0
"""Angle of incidence from which on the modifier falls straight to 0 at 90 degrees.

The form 1 - b0 (1 / cos - 1) runs to minus infinity there. Assumption."""


@dataclass(frozen=True)
class Collector:
    """A collector by its parameters of ISO 9806, referred to gross area.

    Attributes
    ----------
    optical : float
        Peak efficiency for the beam, eta0,b [-].
    loss, loss_slope : float
        Heat loss a1 [W/m2/K] and its growth a2 [W/m2/K2].
    incidence : float
        b0 of the modifier 1 - b0 (1 / cos - 1) [-].
    diffuse : float
        Modifier of diffuse light Kd [-].
    """

    optical: float
    loss: float
    loss_slope: float
    incidence: float = 0.1
    diffuse: float = 0.91

    def __post_init__(self) -> None:
        """Refuse collectors that make heat from nothing."""
        sound = 0 < self.optical <= 1 and self.loss > 0 and self.loss_slope >= 0
        if not (sound and 0 <= self.incidence < 1 and 0 <= self.diffuse <= 1.5):
            message = (
                "a collector needs an optical efficiency from 0 to 1, modifiers from 0 on "
                f"and losses above 0, got {self}"
            )
            raise TableError(message)

    def modifier(self, cosine: FloatArray) -> FloatArray:
        """Return the incidence modifier of the beam, 1 at right angles, 0 at 90 degrees."""
        edge = np.cos(np.radians(SIGHT))
        inner = 1.0 - self.incidence * (1.0 / np.maximum(cosine, edge) - 1.0)
        angle = np.degrees(np.arccos(np.clip(cosine, 0.0, 1.0)))
        outer = np.clip((90.0 - angle) / (90.0 - SIGHT), 0.0, 1.0)
        bent: FloatArray = inner * np.where(cosine < edge, outer, 1.0)
        return bent

    def heat(
        self, beam: FloatArray, diffuse: FloatArray, above_air: FloatArray
    ) -> FloatArray:
        """Return the useful heat [W/m2], 0 where there is none.

        Parameters
        ----------
        beam : (..., h) float
            Beam times modifier [W/m2].
        diffuse : (..., h) float
            Diffuse light [W/m2].
        above_air : (..., h) float
            Mean temperature of the fluid above that of the air [K].

        Notes
        -----
        ISO 9806:2017, steady state without the terms of wind and long waves. Losses of
        second order count only above the air's temperature.
        """
        gained = self.optical * (beam + self.diffuse * diffuse)
        lost = self.loss * above_air + self.loss_slope * np.maximum(above_air, 0.0) ** 2
        useful: FloatArray = np.where(gained > 0, np.maximum(gained - lost, 0.0), 0.0)
        return useful

    def stagnation(self, light: float) -> float:
        """Return how far above the air the fluid rises when no heat is drawn [K].

        Parameters
        ----------
        light : float
            Beam at right angles [W/m2].
        """
        gained = self.optical * light
        if self.loss_slope == 0:
            return gained / self.loss
        root = np.sqrt(self.loss**2 + 4 * self.loss_slope * gained)
        return float((root - self.loss) / (2 * self.loss_slope))


FLAT_PLATE = Collector(optical=0.739, loss=3.51, loss_slope=0.017)
"""Flat plate of the certificate Solar Keymark 30.4062.0, gross area, Kd 0.91."""

LARGE_FLAT_PLATE = Collector(optical=0.80, loss=2.4, loss_slope=0.015)
"""Large collector for district heating with a film below the glass. Assumption."""

EVACUATED_TUBE = Collector(
    optical=0.62, loss=1.0, loss_slope=0.005, incidence=0.0, diffuse=1.0
)
"""Evacuated tubes, gross area; round, they lose nothing at an angle. Assumption."""


@dataclass(frozen=True)
class HeatUse:
    """At which temperatures heat is wanted. All are assumptions, to be edited.

    Attributes
    ----------
    preheat : float
        Mean temperature of the fluid while it preheats hot water [deg C].
    supply : ((deg C, deg C), ...)
        Outdoor temperature and that at which a district-heating network wants its supply:
        95 at -15, 75 above +5.
    returns : float
        Temperature of the network's return [deg C]; 47 is a Swedish mean.
    approach : float
        Temperature lost in the heat exchanger towards the network [K].
    system : float
        Share of the collectors' heat that arrives [-]: pipes, exchangers, warming up.
    """

    preheat: float = 35.0
    supply: tuple[tuple[float, float], ...] = ((-15.0, 95.0), (5.0, 75.0))
    returns: float = 47.0
    approach: float = 5.0
    system: float = 0.85

    def __post_init__(self) -> None:
        """Refuse curves out of order."""
        air = [point for point, _ in self.supply]
        hottest_return = min((level for _, level in self.supply), default=-np.inf)
        if sorted(set(air)) != air or hottest_return <= self.returns:
            message = (
                "the supply must be given at rising outdoor temperatures and lie above the "
                f"return, got {self.supply} and {self.returns:g} degrees"
            )
            raise TableError(message)
        if not 0 < self.system <= 1 or self.approach < 0:
            message = (
                f"shares must lie from 0 to 1, got {self.system} and {self.approach} K"
            )
            raise TableError(message)

    def supply_temperature(self, air: FloatArray) -> FloatArray:
        """Return what the network wants at an outdoor temperature [deg C]."""
        points, levels = np.array(self.supply).T
        wanted: FloatArray = np.interp(air, points, levels)
        return wanted

    def export_temperature(self, air: FloatArray) -> FloatArray:
        """Return the fluid's mean temperature while return water is made supply [deg C]."""
        return (self.supply_temperature(air) + self.returns) / 2 + self.approach


@dataclass(frozen=True)
class HeatHours:
    """Heat of collectors in each hour, (k, h) float32 each [W/m2 of gross area].

    Attributes
    ----------
    preheat : float32
        When it preheats hot water.
    export : float32
        When it feeds the district-heating network.
    """

    preheat: Float32Array
    export: Float32Array


def collector_heat(
    light: Irradiation,
    facets: IntArray,
    weather: Weather,
    fluid: FloatArray | float,
    *,
    collector: Collector = FLAT_PLATE,
) -> Float32Array:
    """Return the heat of collectors that lie flush on facets, (k, h) [W/m2].

    Parameters
    ----------
    light : Irradiation
        The year's light.
    facets : (k,) int
        Which facets.
    weather : Weather
        Air temperature of the same hours.
    fluid : (h,) float or float
        Mean temperature of the fluid [deg C].
    collector : Collector
        Of which make.

    Notes
    -----
    The beam takes the modifier of its angle, all else `Collector.diffuse`. Checked in
    tests/meshes/solar/test_thermal.py.
    """
    beam, diffuse = _beam_and_rest(light, facets, collector)
    air = weather.table["temp_air"].to_numpy(np.float64)
    return collector.heat(beam, diffuse, fluid - air).astype(np.float32)


def heat_hours(
    light: Irradiation,
    facets: IntArray,
    weather: Weather,
    *,
    use: HeatUse | None = None,
    collector: Collector = FLAT_PLATE,
) -> HeatHours:
    """Return the heat of collectors at both of their uses, losses of the system taken off.

    Parameters
    ----------
    light, facets, weather, collector
        As in `collector_heat`.
    use : HeatUse, optional
        At which temperatures heat is wanted.
    """
    wanted = use or HeatUse()
    beam, diffuse = _beam_and_rest(light, facets, collector)
    air = weather.table["temp_air"].to_numpy(np.float64)
    found = (
        (collector.heat(beam, diffuse, fluid - air) * wanted.system).astype(np.float32)
        for fluid in (np.full(len(air), wanted.preheat), wanted.export_temperature(air))
    )
    return HeatHours(*found)


def serve_demand(
    hours: HeatHours, area: FloatArray, demand: FloatArray, *, network: bool = True
) -> pd.DataFrame:
    """Share the collectors' time between hot water and the network.

    Parameters
    ----------
    hours : HeatHours
        Heat at both uses.
    area : (k,) float
        Gross area of collectors on each facet [m2].
    demand : (h,) float
        Heat that hot water can take [kW].
    network : bool
        Whether the rest may go to the network.

    Returns
    -------
    DataFrame
        One row an hour [kW]: ``preheat_kw``, used for hot water; ``export_kw``, fed into
        the network; ``dumped_kw``, what could have been used at the temperature of hot
        water but was not.

    Notes
    -----
    Hot water comes first. What it leaves of an hour, as a share of time, makes export heat.
    """
    low = area @ hours.preheat.astype(np.float64) / 1000.0
    high = area @ hours.export.astype(np.float64) / 1000.0
    used = np.minimum(low, np.maximum(demand, 0.0))
    left = np.divide(low - used, low, out=np.zeros_like(low), where=low > 0)
    export = high * left if network else np.zeros_like(low)
    return pd.DataFrame(
        {"preheat_kw": used, "export_kw": export, "dumped_kw": low - used - export}
    )


def _beam_and_rest(
    light: Irradiation, facets: IntArray, collector: Collector
) -> tuple[FloatArray, FloatArray]:
    """Return the beam times its modifier, and all other light, (k, h) each [W/m2]."""
    cover = collector.modifier(np.linspace(0.0, 1.0, STEPS + 1))
    none = np.zeros(len(facets))
    beam = facet_hours(
        light, facets, transmission=cover, reflected_transmission=(none, none)
    ) - sky_hours(light, facets, cover)
    full = facet_hours(light, facets, transmission=np.zeros(2))
    rest = full + sky_hours(light, facets, np.ones(2))
    return np.maximum(beam, 0.0).astype(np.float64), rest.astype(np.float64)
