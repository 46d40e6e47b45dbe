"""Say what is measured: meaning, unit, kind, sign and range of every quantity."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from twin.kinds import (
    HOUR,
    MOST_FLOW,
    SOLAR_CONSTANT,
    WMO,
    About,
    Kind,
    air,
    code,
    energy,
    light,
    power,
    share,
    temperature,
)

__all__ = ["BUILDING_QUANTITIES", "FLOW_OF", "Kind", "Quantity"]


class Quantity(StrEnum):
    """A measured quantity; its value is the name used in every table.

    Powers are means over an interval that is labelled by its start. Consumption is
    positive and generation negative, whatever the meter's own display says. Registers
    count upwards in either direction: their sign says which one they count, so that sign
    times difference by time is the power (`FLOW_OF`).

    Attributes
    ----------
    unit : str
        The one unit that tables hold; readers convert (`twin.units`).
    kind : Kind
        State, flow or register.
    sign : int
        1 where only consumption makes sense, -1 where only generation does, 0 where the
        sign has another meaning.
    low, high : float
        Least and largest value that one point can have [unit]; what lies outside is a
        fault of the meter, its unit or its sign.
    basis : str
        Where the range is taken from; ranges that are assumed are wide.
    leap : float or None
        Largest plausible change within an hour [unit], assumed; None where it may leap
        over the whole range.
    still : int or None
        Longest time that one and the same value other than 0 can be believed [s],
        assumed; None where it may stand for ever.
    meaning : str
        One sentence.
    brick : str
        Class of such a point in the Brick schema 1.4.
    quantity_kind : str
        Kind in QUDT, from which RealEstateCore takes its quantity kinds.
    """

    unit: str
    kind: Kind
    sign: int
    low: float
    high: float
    basis: str
    leap: float | None
    still: int | None
    meaning: str
    brick: str
    quantity_kind: str

    def __new__(cls, value: str, about: About) -> Self:
        """Make a text that knows its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.unit, member.kind, member.sign = about.unit, about.kind, about.sign
        (member.low, member.high), member.basis = about.bounds, about.basis
        member.leap, member.still = about.leap, about.still
        member.meaning = about.meaning
        member.brick, member.quantity_kind = about.brick, about.quantity_kind
        return member

    PV_POWER = (
        "pv_power",
        # Inverters take a little at night; panels fed with the wrong sign go far beyond.
        power(
            -1,
            "Electric_Power_Sensor",
            "Alternating-current power of the building's photovoltaic panels.",
            still=3 * HOUR,
        ),
    )
    HEAT_POWER = (
        "heat_power",
        power(
            1,
            "Heating_Thermal_Power_Sensor",
            "Heat that the building takes from the district heating, for rooms and hot "
            "water.",
            still=24 * HOUR,
        ),
    )
    ELECTRICITY_POWER = (
        "electricity_power",
        power(
            1,
            "Electric_Power_Sensor",
            "Electricity used in the building, before its own generation is taken off.",
            still=24 * HOUR,
        ),
    )
    INDOOR_TEMPERATURE = (
        "indoor_temperature",
        # An open hall in a hard winter, an attic in a hot summer.
        temperature(
            (-30.0, 60.0),
            "Zone_Air_Temperature_Sensor",
            "Air temperature of the rooms, mean over the building.",
            leap=15.0,
            still=24 * HOUR,
        ),
    )

    PV_ENERGY = (
        "pv_energy",
        energy(-1, "Energy_Generation_Sensor", "Yield of photovoltaic panels, counted."),
    )
    PLANE_IRRADIANCE = (
        "plane_irradiance",
        light(
            1.5 * SOLAR_CONSTANT,
            "Light on the plane of the panels or collectors, as a reference cell sees it.",
            "assumed; edges of clouds can add half of the solar constant",
        ),
    )
    MODULE_TEMPERATURE = (
        "module_temperature",
        temperature(
            (-45.0, 120.0),
            "Temperature_Sensor",
            "Temperature at the back of the panels.",
            still=6 * HOUR,
        ),
    )
    SOLAR_HEAT_POWER = (
        "solar_heat_power",
        power(
            -1,
            "Thermal_Power_Sensor",
            "Heat that a field of solar collectors gives.",
            still=3 * HOUR,
        ),
    )
    SOLAR_HEAT_ENERGY = (
        "solar_heat_energy",
        energy(-1, "Thermal_Energy_Usage_Sensor", "Heat of solar collectors, counted."),
    )
    HEAT_ENERGY = (
        "heat_energy",
        energy(1, "Thermal_Energy_Usage_Sensor", "Heat taken for the building, counted."),
    )
    VOLUME = (
        "volume",
        About(
            unit="m3",
            kind=Kind.REGISTER,
            sign=1,
            bounds=(0.0, 1e9),
            leap=MOST_FLOW,
            meaning="Water that passed the meter of the system, counted.",
            brick="Water_Usage_Sensor",
            quantity_kind="Volume",
        ),
    )
    FLOW = (
        "flow",
        About(
            unit="m3/h",
            kind=Kind.FLOW,
            sign=0,
            # Some meters see water that is drawn back; 1 % of the largest flow.
            bounds=(-0.01 * MOST_FLOW, MOST_FLOW),
            still=24 * HOUR,
            meaning="Water that passes the meter of the system.",
            brick="Water_Flow_Sensor",
            quantity_kind="VolumeFlowRate",
        ),
    )
    SUPPLY_TEMPERATURE = (
        "supply_temperature",
        # Swedish district heating is built for 120 degC; collectors stand still at more.
        temperature(
            (-30.0, 220.0),
            "Entering_Water_Temperature_Sensor",
            "Temperature of the water that brings heat or cold.",
            still=24 * HOUR,
        ),
    )
    RETURN_TEMPERATURE = (
        "return_temperature",
        temperature(
            (-30.0, 220.0),
            "Leaving_Water_Temperature_Sensor",
            "Temperature of the water that goes back.",
            still=24 * HOUR,
        ),
    )
    SUPPLY_TEMPERATURE_SETPOINT = (
        "supply_temperature_setpoint",
        temperature(
            (-30.0, 220.0),
            "Leaving_Water_Temperature_Setpoint",
            "Temperature at which water shall be supplied to the rooms.",
        ),
    )
    HOT_WATER_TEMPERATURE = (
        "hot_water_temperature",
        temperature(
            (0.0, 110.0),
            "Domestic_Hot_Water_Temperature_Sensor",
            "Temperature of the domestic hot water.",
            still=24 * HOUR,
        ),
    )
    COOLING_POWER = (
        "cooling_power",
        power(
            1,
            "Thermal_Power_Sensor",
            "Cold that the building takes: heat drawn from it, counted positive.",
            still=24 * HOUR,
        ),
    )
    COOLING_ENERGY = (
        "cooling_energy",
        energy(1, "Thermal_Energy_Usage_Sensor", "Cold taken for the building, counted."),
    )

    GRID_POWER = (
        "grid_power",
        power(
            0,
            "Electric_Power_Sensor",
            "Electricity at the connection to the grid: drawn positive, fed in negative.",
            still=24 * HOUR,
        ),
    )
    ELECTRICITY_IMPORT = (
        "electricity_import",
        energy(
            1, "Electrical_Energy_Usage_Sensor", "Electricity drawn from the grid, counted."
        ),
    )
    ELECTRICITY_EXPORT = (
        "electricity_export",
        energy(-1, "Electric_Energy_Sensor", "Electricity fed into the grid, counted."),
    )
    VOLTAGE = (
        "voltage",
        About(
            unit="V",
            kind=Kind.STATE,
            sign=0,
            bounds=(0.0, 150_000.0),
            meaning="Voltage at the meter.",
            brick="Voltage_Sensor",
            quantity_kind="Voltage",
        ),
    )
    CURRENT = (
        "current",
        About(
            unit="A",
            kind=Kind.STATE,
            sign=0,
            bounds=(-10_000.0, 10_000.0),
            meaning="Current at the meter.",
            brick="Current_Sensor",
            quantity_kind="ElectricCurrent",
        ),
    )

    INDOOR_TEMPERATURE_SETPOINT = (
        "indoor_temperature_setpoint",
        temperature(
            (0.0, 40.0),
            "Target_Zone_Air_Temperature_Setpoint",
            "Air temperature that the rooms shall have.",
        ),
    )
    INDOOR_HUMIDITY = (
        "indoor_humidity",
        share(
            100.0,
            "Zone_Air_Humidity_Sensor",
            "Relative humidity of the air in the rooms.",
            leap=60.0,
            still=24 * HOUR,
            quantity_kind="RelativeHumidity",
        ),
    )
    CO2 = (
        "co2",
        About(
            unit="ppm",
            kind=Kind.STATE,
            sign=0,
            # Less than 300 ppm has no air since 1900; common sensors end at 10,000.
            bounds=(300.0, 10_000.0),
            still=12 * HOUR,
            meaning="Carbon dioxide in the air of the rooms, share by volume.",
            brick="Zone_CO2_Level_Sensor",
            quantity_kind="DimensionlessRatio",
        ),
    )
    SUPPLY_AIR_FLOW = (
        "supply_air_flow",
        air("Supply_Air_Flow_Sensor", "Air that the ventilation blows into the rooms."),
    )
    EXHAUST_AIR_FLOW = (
        "exhaust_air_flow",
        air("Exhaust_Air_Flow_Sensor", "Air that the ventilation draws from the rooms."),
    )
    SUPPLY_AIR_TEMPERATURE = (
        "supply_air_temperature",
        temperature(
            (-30.0, 80.0),
            "Supply_Air_Temperature_Sensor",
            "Temperature of the air blown into the rooms.",
            still=24 * HOUR,
        ),
    )
    EXHAUST_AIR_TEMPERATURE = (
        "exhaust_air_temperature",
        temperature(
            (-30.0, 80.0),
            "Exhaust_Air_Temperature_Sensor",
            "Temperature of the air drawn from the rooms, before heat is recovered.",
            still=24 * HOUR,
        ),
    )
    SUPPLY_AIR_TEMPERATURE_SETPOINT = (
        "supply_air_temperature_setpoint",
        temperature(
            (0.0, 60.0),
            "Supply_Air_Temperature_Setpoint",
            "Temperature at which air shall be blown into the rooms.",
        ),
    )
    FAN_POWER = (
        "fan_power",
        power(
            1,
            "Electric_Power_Sensor",
            "Electricity of the fans of a ventilation system.",
            still=48 * HOUR,
        ),
    )

    WASTE_WATER_HEAT_POWER = (
        "waste_water_heat_power",
        power(
            -1,
            "Thermal_Power_Sensor",
            "Heat that an exchanger recovers from waste water.",
            still=24 * HOUR,
        ),
    )
    WASTE_WATER_HEAT_ENERGY = (
        "waste_water_heat_energy",
        energy(-1, "Thermal_Energy_Usage_Sensor", "Heat of waste water, counted."),
    )
    WASTE_WATER_INLET_TEMPERATURE = (
        "waste_water_inlet_temperature",
        temperature(
            (0.0, 60.0),
            "Entering_Water_Temperature_Sensor",
            "Temperature of waste water before the exchanger.",
            leap=40.0,
            still=24 * HOUR,
        ),
    )
    WASTE_WATER_OUTLET_TEMPERATURE = (
        "waste_water_outlet_temperature",
        temperature(
            (0.0, 60.0),
            "Leaving_Water_Temperature_Sensor",
            "Temperature of waste water behind the exchanger.",
            leap=40.0,
            still=24 * HOUR,
        ),
    )
    HEAT_PUMP_ELECTRIC_POWER = (
        "heat_pump_electric_power",
        power(
            1,
            "Electric_Power_Sensor",
            "Electricity that a heat pump uses.",
            still=24 * HOUR,
        ),
    )
    HEAT_PUMP_ELECTRIC_ENERGY = (
        "heat_pump_electric_energy",
        energy(1, "Electrical_Energy_Usage_Sensor", "Electricity of a heat pump, counted."),
    )
    HEAT_PUMP_HEAT_POWER = (
        "heat_pump_heat_power",
        power(-1, "Thermal_Power_Sensor", "Heat that a heat pump gives.", still=24 * HOUR),
    )
    HEAT_PUMP_HEAT_ENERGY = (
        "heat_pump_heat_energy",
        energy(-1, "Thermal_Energy_Usage_Sensor", "Heat of a heat pump, counted."),
    )
    BATTERY_POWER = (
        "battery_power",
        power(
            0,
            "Electric_Power_Sensor",
            "Power of a battery: charging positive, discharging negative.",
            still=24 * HOUR,
        ),
    )
    BATTERY_CHARGED = (
        "battery_charged",
        energy(1, "Electric_Energy_Sensor", "Energy charged into a battery, counted."),
    )
    BATTERY_DISCHARGED = (
        "battery_discharged",
        energy(-1, "Electric_Energy_Sensor", "Energy drawn from a battery, counted."),
    )
    STATE_OF_CHARGE = (
        "state_of_charge",
        # Brick 1.4 has no class for it but that of all sensors.
        share(100.0, "Sensor", "Charge of a battery as share of its capacity."),
    )
    WASTE_MASS = (
        "waste_mass",
        About(
            unit="kg",
            kind=Kind.REGISTER,
            sign=1,
            bounds=(0.0, 1e9),
            leap=50_000.0,
            meaning="Waste that a station took in, counted.",
            brick="Waste_Amount_Sensor",
            quantity_kind="Mass",
        ),
    )
    WASTE_FILL_LEVEL = (
        "waste_fill_level",
        # Bags may stand above the rim.
        share(150.0, "Waste_Amount_Sensor", "How full a waste container is."),
    )
    BEMS_STATE = (
        "bems_state",
        code(
            65_535.0,
            "Operating_Mode_Status",
            "Mode that a building energy management system runs in, its own number.",
        ),
    )
    BEMS_ALARM = (
        "bems_alarm",
        code(65_535.0, "Alarm", "How many alarms of a management system are on."),
    )

    GHI = (
        "ghi",
        light(1.5 * SOLAR_CONSTANT + 100.0, "Sunlight on level ground, sun and sky."),
    )
    DNI = ("dni", light(SOLAR_CONSTANT * 1.034, "Sunlight of the sun's disc, square on."))
    DHI = (
        "dhi",
        light(0.95 * SOLAR_CONSTANT + 50.0, "Sunlight of the sky alone on level ground."),
    )
    AIR_TEMPERATURE = (
        "air_temperature",
        About(
            unit="degC",
            kind=Kind.STATE,
            sign=0,
            # Sweden has seen -53 and 38 degC.
            bounds=(-60.0, 50.0),
            leap=20.0,
            still=12 * HOUR,
            meaning="Temperature of the air outdoors.",
            brick="Outside_Air_Temperature_Sensor",
            quantity_kind="Temperature",
        ),
    )
    WIND_SPEED = (
        "wind_speed",
        About(
            unit="m/s",
            kind=Kind.STATE,
            sign=0,
            bounds=(0.0, 75.0),
            still=12 * HOUR,
            meaning="Speed of the wind.",
            brick="Wind_Speed_Sensor",
            quantity_kind="Speed",
        ),
    )
    WIND_DIRECTION = (
        "wind_direction",
        About(
            unit="deg",
            kind=Kind.STATE,
            sign=0,
            bounds=(0.0, 360.0),
            basis="a full circle",
            still=24 * HOUR,
            meaning="Where the wind comes from, clockwise from north.",
            brick="Wind_Direction_Sensor",
            quantity_kind="Angle",
        ),
    )
    RELATIVE_HUMIDITY = (
        "relative_humidity",
        share(
            105.0,
            "Outside_Air_Humidity_Sensor",
            "Relative humidity of the air outdoors; sensors in fog show a little over 100.",
            # Fog can stand for days.
            still=96 * HOUR,
            quantity_kind="RelativeHumidity",
        ),
    )
    PRESSURE = (
        "pressure",
        About(
            unit="hPa",
            kind=Kind.STATE,
            sign=0,
            bounds=(870.0, 1085.0),
            basis=f"{WMO}: 870 and 1084 hPa at sea level",
            leap=20.0,
            still=24 * HOUR,
            meaning="Pressure of the air outdoors.",
            brick="Air_Pressure_Sensor",
            quantity_kind="Pressure",
        ),
    )
    PRECIPITATION = (
        "precipitation",
        About(
            unit="mm/h",
            kind=Kind.FLOW,
            sign=0,
            bounds=(0.0, 2_000.0),
            basis=f"{WMO}: 31 mm in a minute",
            still=6 * HOUR,
            meaning="Rain and melted snow that falls.",
            brick="Rain_Level_Sensor",
            quantity_kind="Speed",
        ),
    )

    @property
    def is_power(self) -> bool:
        """Whether values can be added up over buildings and summed over time to energy."""
        return self.unit == "kW"


BUILDING_QUANTITIES = (
    Quantity.PV_POWER,
    Quantity.HEAT_POWER,
    Quantity.ELECTRICITY_POWER,
    Quantity.INDOOR_TEMPERATURE,
)
"""What a twin knows of every building from the start: the live state, its page and the
totals of the district show one value of each a building."""

FLOW_OF: Mapping[Quantity, Quantity] = {
    Quantity.PV_ENERGY: Quantity.PV_POWER,
    Quantity.SOLAR_HEAT_ENERGY: Quantity.SOLAR_HEAT_POWER,
    Quantity.HEAT_ENERGY: Quantity.HEAT_POWER,
    Quantity.COOLING_ENERGY: Quantity.COOLING_POWER,
    Quantity.VOLUME: Quantity.FLOW,
    Quantity.ELECTRICITY_IMPORT: Quantity.GRID_POWER,
    Quantity.ELECTRICITY_EXPORT: Quantity.GRID_POWER,
    Quantity.WASTE_WATER_HEAT_ENERGY: Quantity.WASTE_WATER_HEAT_POWER,
    Quantity.HEAT_PUMP_ELECTRIC_ENERGY: Quantity.HEAT_PUMP_ELECTRIC_POWER,
    Quantity.HEAT_PUMP_HEAT_ENERGY: Quantity.HEAT_PUMP_HEAT_POWER,
    Quantity.BATTERY_CHARGED: Quantity.BATTERY_POWER,
    Quantity.BATTERY_DISCHARGED: Quantity.BATTERY_POWER,
}
"""Flow that a register adds up: sign of the register times its difference by the hours
between. Two registers of one flow add up, each with its own sign."""
