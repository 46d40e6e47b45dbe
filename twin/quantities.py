"""Say what is measured: meaning, unit and sign of every quantity."""

from enum import StrEnum
from typing import Self


class Quantity(StrEnum):
    """A measured quantity; its value is the name used in every table.

    Powers are means over an interval that is labelled by its start. Consumption is
    positive and generation negative, whatever the meter's own display says.

    Attributes
    ----------
    unit : str
        The one unit that tables hold; readers convert.
    sign : int
        1 where only consumption makes sense, -1 where only generation does, 0 where the
        sign has another meaning.
    low, high : float
        Least and largest value that one building can have [unit]; what lies outside is a
        fault of the meter, its unit or its sign. Assumed, and wide.
    meaning : str
        One sentence.
    brick : str
        Class of such a point in the Brick schema 1.4.
    quantity_kind : str
        Kind in QUDT, from which RealEstateCore takes its quantity kinds.
    """

    unit: str
    sign: int
    low: float
    high: float
    meaning: str
    brick: str
    quantity_kind: str

    def __new__(
        cls,
        value: str,
        unit: str,
        sign: int,
        bounds: tuple[float, float],
        meaning: str,
        brick: str,
        quantity_kind: str,
    ) -> Self:
        """Make a text that knows its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.unit = unit
        member.sign = sign
        member.low, member.high = bounds
        member.meaning = meaning
        member.brick = brick
        member.quantity_kind = quantity_kind
        return member

    PV_POWER = (
        "pv_power",
        "kW",
        -1,
        # Inverters take a little at night; panels fed with the wrong sign go far beyond.
        (-20_000.0, 1.0),
        "Alternating-current power of the building's photovoltaic panels.",
        "Electric_Power_Sensor",
        "Power",
    )
    HEAT_POWER = (
        "heat_power",
        "kW",
        1,
        (0.0, 20_000.0),
        "Heat that the building takes from the district heating, for rooms and hot water.",
        "Heating_Thermal_Power_Sensor",
        "Power",
    )
    ELECTRICITY_POWER = (
        "electricity_power",
        "kW",
        1,
        (0.0, 20_000.0),
        "Electricity used in the building, before its own generation is taken off.",
        "Electric_Power_Sensor",
        "Power",
    )
    INDOOR_TEMPERATURE = (
        "indoor_temperature",
        "degC",
        0,
        # An open hall in a hard winter, an attic in a hot summer.
        (-30.0, 60.0),
        "Air temperature of the rooms, mean over the building.",
        "Zone_Air_Temperature_Sensor",
        "Temperature",
    )

    @property
    def is_power(self) -> bool:
        """Whether values can be added up over buildings and summed over time to energy."""
        return self.unit == "kW"
