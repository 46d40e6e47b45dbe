"""List the kinds of equipment, what they are in Brick and what is measured on them."""

from enum import StrEnum
from typing import Self

from twin.quantities import Quantity


class SystemKind(StrEnum):
    """A kind of equipment; its value is the system's name below its building.

    Attributes
    ----------
    brick : str
        Class of the system or of the meter that stands for it in the Brick schema 1.4;
        with prefix where it is one of RealEstateCore 4. Equipment or space, never one of
        Brick's systems: those are collections, which have no points.
    quantities : tuple of Quantity
        What is usually measured on it, the most telling first.
    """

    brick: str
    quantities: tuple[Quantity, ...]

    def __new__(cls, value: str, brick: str, quantities: tuple[Quantity, ...]) -> Self:
        """Make a text that knows its Brick class."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.brick = brick
        member.quantities = quantities
        return member

    PV = "pv", "PV_Panel", (Quantity.PV_POWER, Quantity.PV_ENERGY)
    HEAT = (
        "heat",
        "Thermal_Power_Meter",
        (
            Quantity.HEAT_POWER,
            Quantity.HEAT_ENERGY,
            Quantity.VOLUME,
            Quantity.FLOW,
            Quantity.SUPPLY_TEMPERATURE,
            Quantity.RETURN_TEMPERATURE,
        ),
    )
    ELECTRICITY = (
        "electricity",
        "Building_Electrical_Meter",
        (
            Quantity.ELECTRICITY_POWER,
            Quantity.ELECTRICITY_IMPORT,
            Quantity.ELECTRICITY_EXPORT,
        ),
    )
    INDOOR = (
        "indoor",
        "rec:HVACZone",
        (
            Quantity.INDOOR_TEMPERATURE,
            Quantity.INDOOR_TEMPERATURE_SETPOINT,
            Quantity.CO2,
            Quantity.INDOOR_HUMIDITY,
        ),
    )
    SOLAR_THERMAL = (
        "solar-thermal",
        "Solar_Thermal_Collector",
        (
            Quantity.SOLAR_HEAT_POWER,
            Quantity.SOLAR_HEAT_ENERGY,
            Quantity.FLOW,
            Quantity.SUPPLY_TEMPERATURE,
            Quantity.RETURN_TEMPERATURE,
        ),
    )
    COOLING = (
        "cooling",
        "Chilled_Water_Meter",
        (
            Quantity.COOLING_POWER,
            Quantity.COOLING_ENERGY,
            Quantity.VOLUME,
            Quantity.FLOW,
            Quantity.SUPPLY_TEMPERATURE,
            Quantity.RETURN_TEMPERATURE,
        ),
    )
    VENTILATION = (
        "ventilation",
        "Air_Handling_Unit",
        (
            Quantity.SUPPLY_AIR_FLOW,
            Quantity.EXHAUST_AIR_FLOW,
            Quantity.FAN_POWER,
            Quantity.SUPPLY_AIR_TEMPERATURE,
            Quantity.EXHAUST_AIR_TEMPERATURE,
            Quantity.SUPPLY_AIR_TEMPERATURE_SETPOINT,
        ),
    )
    WASTE_WATER = (
        "waste-water",
        "Heat_Exchanger",
        (
            Quantity.WASTE_WATER_HEAT_POWER,
            Quantity.WASTE_WATER_HEAT_ENERGY,
            Quantity.WASTE_WATER_INLET_TEMPERATURE,
            Quantity.WASTE_WATER_OUTLET_TEMPERATURE,
        ),
    )
    HEAT_PUMP = (
        "heat-pump",
        "Packaged_Heat_Pump",
        (
            Quantity.HEAT_PUMP_ELECTRIC_POWER,
            Quantity.HEAT_PUMP_HEAT_POWER,
            Quantity.HEAT_PUMP_ELECTRIC_ENERGY,
            Quantity.HEAT_PUMP_HEAT_ENERGY,
            Quantity.SUPPLY_TEMPERATURE,
            Quantity.RETURN_TEMPERATURE,
        ),
    )
    BATTERY = (
        "battery",
        "Battery",
        (
            Quantity.BATTERY_POWER,
            Quantity.STATE_OF_CHARGE,
            Quantity.BATTERY_CHARGED,
            Quantity.BATTERY_DISCHARGED,
        ),
    )
    WASTE = "waste", "Waste_Meter", (Quantity.WASTE_MASS, Quantity.WASTE_FILL_LEVEL)
    BEMS = "bems", "Controller", (Quantity.BEMS_STATE, Quantity.BEMS_ALARM)
    WEATHER = (
        "weather",
        "Weather_Station",
        (
            Quantity.GHI,
            Quantity.DNI,
            Quantity.DHI,
            Quantity.AIR_TEMPERATURE,
            Quantity.WIND_SPEED,
            Quantity.WIND_DIRECTION,
            Quantity.RELATIVE_HUMIDITY,
            Quantity.PRESSURE,
            Quantity.PRECIPITATION,
        ),
    )
