"""Follow heat, cold, electricity, air and waste through the buildings of a district."""

from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from gis.errors import TableError
from twin.expectation.conditions import BoolArray, FloatArray, IntArray
from twin.kinds import Kind
from twin.model import DISTRICT, Model, Point, System, SystemKind
from twin.quantities import FLOW_OF, Quantity
from twin.simulation import demand
from twin.simulation.assumption import Assumption
from twin.simulation.battery import SIZE, run_battery
from twin.simulation.chance import chance_of, chances_of
from twin.simulation.climate import Climate
from twin.simulation.counters import Counter, worn_offset
from twin.simulation.rooms import (
    CAPACITY,
    STOREY,
    Warmth,
    follow_co2,
    follow_warmth,
    room_humidity,
)
from twin.simulation.ventilation import HOME_AIR, NIGHT_AIR, WORK_AIR, ventilate
from twin.simulation.waste import fill
from twin.simulation.water import (
    CHILLED,
    CHILLED_RETURN,
    TANK,
    TANK_SWING,
    WATER,
    cold_water,
    flow_of,
    heat_pump_cop,
    heating_curve,
    network_return,
    network_supply,
    recover,
    serve_from_tank,
)

Q = Quantity
K = SystemKind

DEGREE_DAYS = Assumption(
    "degree-days below 17 degC of a usual year",
    2930.0,
    "K d",
    "estimate for Helsingborg: the Copenhagen year shifted to 9.2 degC",
)
SUN = Assumption("mean light on level ground", 115.3, "W/m2", "1010 kWh/m2 in a year")
SUN_SHARE = Assumption("share of free heat that comes from the sun", 0.4, "1", "assumed")
HABIT_NOISE = Assumption("spread of habits from their weekly course", 0.08, "1", "assumed")
WATER_NOISE = Assumption("spread of hot water from its course", 0.15, "1", "assumed")
HOME_PEOPLE = Assumption("people in flats", 0.03, "1/m2", "assumed: 33 m2 each")
WORK_PEOPLE = Assumption("people in offices", 0.05, "1/m2", "usual: 0.05")
CIRCULATION = Assumption(
    "heat that circulating hot water loses in a year",
    4.0,
    "kWh/m2",
    "usual: 4 and more; it warms shafts and is not counted as heat of rooms",
)
PUMP_SIZE = Assumption(
    "heat pump's power by what leaks per kelvin", 15.0, "K", "assumed: half of a cold day"
)
SUPPLY_DROP = Assumption("most that the supply cools down on its way", 4.0, "K", "assumed")

ASSUMPTIONS = (
    DEGREE_DAYS,
    SUN,
    SUN_SHARE,
    HABIT_NOISE,
    WATER_NOISE,
    HOME_PEOPLE,
    WORK_PEOPLE,
    CIRCULATION,
    PUMP_SIZE,
    SUPPLY_DROP,
)

DAY_MODE, NIGHT_MODE = 1.0, 2.0
"""Modes of management systems."""

RESOLUTION = {"kWh": 0.1, "m3": 0.01, "kg": 1.0}
"""Last digit of registers."""

Series = dict[Quantity, FloatArray]


@dataclass(frozen=True)
class Courses:
    """What is, before anybody measures it.

    Attributes
    ----------
    start : (t,) int
        Starts of the steps [microseconds since 1970, UTC].
    step : int
        [microseconds].
    values : mapping of str to (t,) float
        By point, in the unit of its quantity: flows are means of steps, states and
        registers hold at their start.
    left_out : mapping of str to int
        Points that nobody simulates, by kind of system and quantity.
    """

    start: IntArray
    step: int
    values: Mapping[str, FloatArray]
    left_out: Mapping[str, int]


def simulate_district(
    model: Model,
    climate: Climate,
    solar: Mapping[str, FloatArray],
    *,
    collector_area: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Courses:
    """Follow all points of a model through the steps of a run.

    Parameters
    ----------
    model : Model
        Its buildings need floor areas.
    climate : Climate
        Weather of t steps.
    solar : mapping of str to (t,) float
        What panels give and collectors could give, by system [kW], 0 or more.
    collector_area : mapping of str to float, optional
        Of each field of collectors [m2].
    seed : int
        Of habits.

    Raises
    ------
    TableError
        If buildings lack a floor area.

    Notes
    -----
    Heat of a building: what rooms need to stay warm (`follow_warmth`), hot water and what
    it loses while it circulates, less what comes back from waste water, from collectors by
    way of a tank and from a heat pump; the district heating gives the rest. Electricity:
    habits and the heat pump; at the connection less panels, plus the battery. Fans are
    part of the habits.
    """
    homes = _Buildings(model, climate, seed)
    found: dict[tuple[str, SystemKind], Series] = {}
    homes.follow(model, solar, collector_area or {}, found)
    values: dict[str, FloatArray] = {}
    left_out: Tally[str] = Tally()
    systems = {system.id: system for system in model.systems}
    twice = Tally((one.building, one.kind) for one in model.systems)
    for point in model.points:
        system = systems[point.system]
        series = _series_of(system, homes, found, solar)
        share = (
            1.0
            if system.building == DISTRICT or system.kind in (K.PV, K.SOLAR_THERMAL)
            else float(twice[system.building, system.kind])
        )
        value = _value_of(point, series, share, climate.hours)
        if value is None:
            left_out[f"{system.kind} {point.quantity}"] += 1
        else:
            values[point.id] = value
    return Courses(climate.start, climate.step, values, dict(left_out))


def _series_of(
    system: System,
    homes: "_Buildings",
    found: Mapping[tuple[str, SystemKind], Series],
    solar: Mapping[str, FloatArray],
) -> Series:
    """Return what is known of a system."""
    if system.kind is K.PV and system.id in solar:
        return {Q.PV_POWER: 0.0 - solar[system.id]}
    if system.kind is K.SOLAR_THERMAL:
        # Of several fields of a building each has its own tank.
        return found.get((system.id, system.kind), {})
    if system.building == DISTRICT:
        return homes.of_district(system)
    return found.get((system.building, system.kind), {})


def _value_of(
    point: Point,
    series: Series,
    share: float,
    hours: float,
) -> FloatArray | None:
    """Return the course of a point, None where nobody knows it."""
    quantity = point.quantity
    if quantity.kind is not Kind.REGISTER:
        value = series.get(quantity)
        if value is None:
            return None
        return value / share if quantity.kind is Kind.FLOW else value
    flow = series.get(FLOW_OF.get(quantity, quantity))
    if flow is None:
        return None
    passed = np.maximum(flow * quantity.sign, 0.0) / share
    resolution = RESOLUTION.get(quantity.unit, 1.0)
    offset = worn_offset(passed, chance_of(point.id), resolution)
    return Counter(offset, resolution).read(passed, hours)


class _Buildings:
    """Buildings as arrays, (b,) and (b, t)."""

    def __init__(self, model: Model, climate: Climate, seed: int) -> None:
        lacking = [b.id for b in model.buildings if not b.floor_area]
        if lacking:
            message = (
                f"buildings can be simulated where floor areas are known, {len(lacking)} "
                f"lack one: {', '.join(lacking[:5])}; build the twin again"
            )
            raise TableError(message)
        self.ids = [b.id for b in model.buildings]
        self.table = pd.DataFrame(
            {
                "use": [b.use for b in model.buildings],
                "year": [np.nan if b.year is None else b.year for b in model.buildings],
                "floor_area": [float(b.floor_area or 0.0) for b in model.buildings],
            },
            index=pd.Index(self.ids, name="building"),
        )
        self.area = self.table["floor_area"].to_numpy(np.float64)
        self.kinds = demand.kinds_of(self.table)
        self.work = np.array([kind.at_work for kind in self.kinds], bool)
        self.climate, self.seed = climate, seed
        self.middle = climate.conditions.middle
        self.local = self.middle.tz_convert(demand.CLOCK)
        self.outdoor = climate.conditions.temp_air

    def _noise(self, word: str, spread: float, memory: float) -> FloatArray:
        """Return lifelike departures from a course, mean about 1, (b, t)."""
        steps, kept = len(self.climate), float(np.exp(-self.climate.hours / memory))
        rows = []
        for name in self.ids:
            rng = np.random.default_rng(chances_of(f"{self.seed} {word} {name}"))
            white = rng.normal(size=steps) * np.sqrt(1 - kept**2)
            made, _ = lfilter([1.0], [1.0, -kept], white, zi=[rng.normal() * kept])
            rows.append(np.exp(spread * made - spread**2 / 2))
        return np.array(rows).reshape(len(self.ids), steps)

    def _weekly(self, *, home: FloatArray, work: FloatArray) -> FloatArray:
        """Return weekly shapes by the local clock, (b, t)."""
        cut = [shape[self.local.day_of_week, self.local.hour] for shape in (home, work)]
        return np.array([cut[int(at_work)] for at_work in self.work]).reshape(
            len(self.ids), len(self.climate)
        )

    def _mean_of(self, name: str, quantity: Quantity) -> FloatArray:
        """Return a yearly demand of each building as mean power [kW]."""
        figures = np.array([getattr(kind, name).value for kind in self.kinds])
        return np.asarray(
            figures * demand.scaled_area(self.table, quantity) / 8760, np.float64
        )

    def _warmth(self, cooled: BoolArray, shape: FloatArray) -> tuple[Warmth, FloatArray]:
        """Return the warmth of rooms, and what leaks per kelvin [kW/K]."""
        yearly = self._mean_of("space_heat", Q.HEAT_POWER) * 8760
        leak = yearly / (DEGREE_DAYS.value * 24)
        free = leak * (demand.INDOOR.value - demand.HEATING_LIMIT.value)
        sun = self.climate.conditions.ghi / SUN.value
        gains = free[:, None] * (
            (1 - SUN_SHARE.value) * shape + SUN_SHARE.value * sun[None, :]
        )
        own = 2 * demand.chances(self.table.index, Q.INDOOR_TEMPERATURE) - 1
        setpoint = demand.INDOOR.value + demand.INDOOR_SPREAD.value * own
        follow = partial(
            follow_warmth,
            leak=leak,
            capacity=CAPACITY.value * self.area,
            setpoint=setpoint,
            cooled=cooled,
            hours=self.climate.hours,
        )
        # Rooms had days of such weather before the first: they do not start cold.
        days = min(len(self.climate), max(1, round(120 / self.climate.hours)))
        before = follow(self.outdoor[:days], gains[:, :days], first=setpoint + 0.5)
        return follow(self.outdoor, gains, first=before.last), leak

    def follow(
        self,
        model: Model,
        solar: Mapping[str, FloatArray],
        collector_area: Mapping[str, float],
        found: dict[tuple[str, SystemKind], Series],
    ) -> None:
        """Add what is known of the buildings' systems."""
        has = {
            kind: np.array(
                [
                    any(s.building == name and s.kind is kind for s in model.systems)
                    for name in self.ids
                ],
                bool,
            )
            for kind in (K.COOLING, K.WASTE_WATER, K.HEAT_PUMP)
        }
        hours, count = self.climate.hours, len(self.climate)
        use = self._weekly(home=demand.HOME_ELECTRICITY, work=demand.WORK_ELECTRICITY)
        habit = self._mean_of("electricity", Q.ELECTRICITY_POWER)[:, None] * use
        habit = habit * self._noise("electricity", HABIT_NOISE.value, 3.0)
        water = self._mean_of("hot_water", Q.HEAT_POWER)[:, None] * self._weekly(
            home=demand.HOME_WATER, work=demand.WORK_WATER
        )
        water = water * self._noise("water", WATER_NOISE.value, 1.0)
        warmth, leak = self._warmth(has[K.COOLING], use)
        day = self.middle.day_of_year.to_numpy(np.float64)
        drains = recover(water, cold_water(day))
        recovered = drains.recovered * has[K.WASTE_WATER][:, None]
        drawn = np.zeros((len(self.ids), count))
        place = {name: k for k, name in enumerate(self.ids)}
        for system in model.systems:
            if system.kind is not K.SOLAR_THERMAL or system.id not in solar:
                continue
            if system.building not in place:
                # A field of the district gives all to the network.
                found[system.id, system.kind] = _collectors(solar[system.id])
                continue
            k = place[system.building]
            tank = serve_from_tank(
                solar[system.id],
                water[k] - recovered[k] - drawn[k],
                capacity=collector_area[system.id]
                * TANK.value / 1000 * WATER * TANK_SWING.value,
                hours=hours,
            )  # fmt: skip
            drawn[k] += tank.drawn
            found[system.id, system.kind] = _collectors(tank.charged)
        most = np.where(has[K.HEAT_PUMP], PUMP_SIZE.value * leak, 0.0)[:, None]
        pumped = np.minimum(warmth.heating, most)
        curve = heating_curve(self.outdoor)
        driven = pumped / heat_pump_cop(curve)
        lost = CIRCULATION.value / 8760 * self.area[:, None]
        rooms, taps = warmth.heating - pumped, water - recovered - drawn + lost
        drop = SUPPLY_DROP.value * np.array([chance_of(f"{n} drop") for n in self.ids])
        supply = network_supply(self.outdoor)[None, :] - drop[:, None]
        back = network_return(rooms, taps, supply=supply, outdoor=self.outdoor)
        made = np.zeros((len(self.ids), count))
        rated = np.zeros(len(self.ids))
        for system in model.systems:
            if system.kind is K.PV and system.id in solar and system.building in place:
                made[place[system.building]] += solar[system.id]
                rated[place[system.building]] += float(solar[system.id].max())
        air = self._air()
        people = self._people()
        fresh = np.where(self.work[:, None], air, HOME_AIR.value * self.area[:, None])
        co2 = follow_co2(people, fresh, STOREY.value * self.area, hours=hours)
        damp = room_humidity(warmth.indoor, self.outdoor, self.climate.humidity)
        stores = {s.building for s in model.systems if s.kind is K.BATTERY}
        for k, name in enumerate(self.ids):
            power = habit[k] + driven[k]
            stored = np.zeros(count)
            if name in stores:
                size = max(SIZE.value * rated[k], 5.0)
                ran = run_battery(made[k] - power, capacity=size, hours=hours)
                stored = ran.power
                found[name, K.BATTERY] = {
                    Q.BATTERY_POWER: stored,
                    Q.STATE_OF_CHARGE: 100 * ran.charge / size,
                }
            heat = rooms[k] + taps[k]
            found[name, K.ELECTRICITY] = {
                Q.ELECTRICITY_POWER: power,
                Q.GRID_POWER: power - made[k] + stored,
            }
            found[name, K.HEAT] = {
                Q.HEAT_POWER: heat,
                Q.FLOW: flow_of(heat, supply[k], back[k]),
                Q.SUPPLY_TEMPERATURE: supply[k],
                Q.RETURN_TEMPERATURE: back[k],
            }
            found[name, K.INDOOR] = {
                Q.INDOOR_TEMPERATURE: warmth.indoor[k],
                Q.INDOOR_TEMPERATURE_SETPOINT: np.full(count, demand.INDOOR.value),
                Q.CO2: co2[k],
                Q.INDOOR_HUMIDITY: damp[k],
            }
            cold = warmth.cooling[k]
            found[name, K.COOLING] = {
                Q.COOLING_POWER: cold,
                Q.FLOW: cold / (WATER * (CHILLED_RETURN.value - CHILLED.value)),
                Q.SUPPLY_TEMPERATURE: np.full(count, CHILLED.value),
                Q.RETURN_TEMPERATURE: np.full(count, CHILLED_RETURN.value),
            }
            found[name, K.VENTILATION] = ventilate(air[k], warmth.indoor[k], self.outdoor)
            found[name, K.WASTE_WATER] = {
                Q.WASTE_WATER_HEAT_POWER: 0.0 - drains.recovered[k],
                Q.WASTE_WATER_INLET_TEMPERATURE: drains.inlet[k],
                Q.WASTE_WATER_OUTLET_TEMPERATURE: drains.outlet[k],
            }
            found[name, K.HEAT_PUMP] = {
                Q.HEAT_PUMP_HEAT_POWER: 0.0 - pumped[k],
                Q.HEAT_PUMP_ELECTRIC_POWER: driven[k],
                Q.FLOW: pumped[k] / (WATER * 7.0),
                Q.SUPPLY_TEMPERATURE: curve,
                Q.RETURN_TEMPERATURE: curve - 7.0,
            }
            found[name, K.BEMS] = self._management(f"{name} bems")

    def of_district(self, system: System) -> Series:
        """Return what is known of a system of the district itself."""
        weather = self.climate.conditions
        if system.kind is K.WEATHER:
            return {
                Q.GHI: weather.ghi,
                Q.DNI: weather.dni,
                Q.DHI: weather.dhi,
                Q.AIR_TEMPERATURE: weather.temp_air,
                Q.WIND_SPEED: weather.wind_speed,
                Q.WIND_DIRECTION: self.climate.direction,
                Q.RELATIVE_HUMIDITY: self.climate.humidity,
                Q.PRESSURE: self.climate.pressure,
                Q.PRECIPITATION: self.climate.rain,
            }
        if system.kind is K.WASTE:
            persons = float((self.area * ~self.work).sum()) * HOME_PEOPLE.value / 3
            filled = fill(
                min(persons, 600.0),
                self.local,
                hours=self.climate.hours,
                chance=chance_of(system.id),
            )
            return {Q.WASTE_MASS: filled.coming, Q.WASTE_FILL_LEVEL: filled.level}
        if system.kind is K.BEMS:
            return self._management(system.id)
        return {}

    def _management(self, word: str) -> Series:
        """Return modes and alarms: day from 6 to 18, an alarm in one of thirty days."""
        day = (self.local.hour >= 6) & (self.local.hour < 18) & (self.local.day_of_week < 5)
        dates = self.local.normalize().asi8
        alarms = {
            when: float(chance_of(f"{self.seed} {word} {when}") < 1 / 30)
            for when in np.unique(dates)
        }
        return {
            Q.BEMS_STATE: np.where(day, DAY_MODE, NIGHT_MODE),
            Q.BEMS_ALARM: np.array([alarms[when] for when in dates]),
        }

    def _air(self) -> FloatArray:
        """Return the air that ventilation blows, (b, t) [m3/h]."""
        day = (self.local.hour >= 6) & (self.local.hour < 18) & (self.local.day_of_week < 5)
        share = np.where(day, 1.0, NIGHT_AIR.value)
        work = WORK_AIR.value * self.area[:, None] * share[None, :]
        home = HOME_AIR.value * self.area[:, None] * np.ones(len(share))[None, :]
        return np.where(self.work[:, None], work, home)

    def _people(self) -> FloatArray:
        """Return how many people are there, (b, t)."""
        hour = self.local.hour.to_numpy()
        weekday = self.local.day_of_week.to_numpy() < 5
        at_work = np.where(weekday & (hour >= 8) & (hour < 17), 1.0, 0.0)
        at_work = np.where((hour == 12) & weekday, 0.6, at_work)
        home = np.where((hour >= 8) & (hour < 16) & weekday, 0.35, 0.9)
        home = np.where(~weekday & (hour >= 10) & (hour < 18), 0.6, home)
        each = np.where(self.work, WORK_PEOPLE.value, HOME_PEOPLE.value) * self.area
        shape = np.where(self.work[:, None], at_work[None, :], home[None, :])
        return np.asarray(
            each[:, None] * shape * self._noise("people", 0.1, 2.0), np.float64
        )


def _collectors(charged: FloatArray) -> Series:
    """Return what is measured at a field of collectors that preheats by 10 K."""
    running = charged > 0
    return {
        Q.SOLAR_HEAT_POWER: 0.0 - charged,
        Q.FLOW: charged / (WATER * 10.0),
        Q.SUPPLY_TEMPERATURE: np.where(running, 40.0, 30.0),
        Q.RETURN_TEMPERATURE: np.full(len(charged), 30.0),
    }
