"""Say what the columns of a planner's tables mean."""

from collections.abc import Mapping
from dataclasses import dataclass

LIGHT = "kWh/m² per year"
"""Unit of irradiation in texts; `meshes.render.colours.UNIT` says the same."""


@dataclass(frozen=True)
class Meaning:
    """What a column holds.

    Attributes
    ----------
    unit : str
        Of its numbers, "" for texts.
    title : str
        What to write over a map or a chart of it.
    meaning : str
        The title in more words.
    """

    unit: str
    title: str
    meaning: str


MEANINGS: Mapping[str, Meaning] = {
    "name": Meaning("", "Name", "name, empty where it has none"),
    "use": Meaning("", "Use", "what it is used for, empty where nobody knows"),
    "year": Meaning("year", "Year of construction", "year of construction, NaN unknown"),
    "height": Meaning("m", "Height above ground", "height of the highest part's roof"),
    "height_source": Meaning("", "How heights are known", "how the height is known"),
    "given": Meaning("", "Identity in the source", "id by which its source knows it"),
    "height_year": Meaning("year", "Year of the height", "year of survey or statement"),
    "height_uncertainty": Meaning(
        "m", "Uncertainty of the height", "standard uncertainty of the height"
    ),
    "eaves": Meaning("m", "Eaves above ground", "measured eaves, NaN unknown"),
    "ridge": Meaning("m", "Ridge above ground", "measured ridge, NaN unknown"),
    "roof_shape": Meaning("", "Form of the roof, told", "form by its source"),
    "roof_height": Meaning("m", "Height of the roof, told", "from eaves to ridge"),
    "roof_direction": Meaning("degrees", "Direction of the roof", "azimuth that it faces"),
    "roof_orientation": Meaning("", "Ridge along or across", "by its source"),
    "roof_angle": Meaning("degrees", "Pitch of the roof, told", "pitch by its source"),
    "roof_source": Meaning("", "How the roof is known", "how the form is known"),
    "inside": Meaning("", "Inside the boundary", "whether it stands in the boundary"),
    "parapet_height": Meaning("m", "Height of the parapet", "rim of a flat roof, NaN none"),
    "parapet_width": Meaning("m", "Width of the parapet", "rim of a flat roof, NaN none"),
    "underside": Meaning(
        "m above ground", "Underside", "lower face of what is raised; 0: on the ground"
    ),
    "base": Meaning("m RH2000", "Lowest ground", "lowest ground under the footprint"),
    "base_source": Meaning("", "How the ground is known", "how that level is known"),
    "top": Meaning("m RH2000", "Level of the roof", "level of the roof"),
    "lod": Meaning("", "Level of detail", "1.2 a block, 2.0 with its roof"),
    "roof_form": Meaning("", "Form of the roof", "form of the roof as it was made"),
    "roof_area": Meaning("m²", "Roof area", "roofs, without what neighbours cover"),
    "facade_area": Meaning("m²", "Facade area", "facades, without what neighbours cover"),
    "roof_kwh_m2": Meaning(LIGHT, "Light on roofs", "light of a year, mean of the roofs"),
    "facade_kwh_m2": Meaning(
        LIGHT, "Light on facades", "light of a year, mean of the facades"
    ),
    "roof_kwh": Meaning("kWh per year", "Light on all roofs", "light of a year on roofs"),
    "facade_kwh": Meaning(
        "kWh per year", "Light on all facades", "light of a year on facades"
    ),
    "pv_m2": Meaning("m²", "Solar modules", "modules that suitable surfaces could carry"),
    "pv_kwp": Meaning("kWp", "Solar power, rated", "rated power of these modules"),
    "pv_kwh": Meaning(
        "kWh per year", "Possible solar power", "what they would yield in a year"
    ),
    "pv_roof_kwh": Meaning("kWh per year", "Solar power from roofs", "of it from roofs"),
    "pv_facade_kwh": Meaning(
        "kWh per year", "Solar power from facades", "of it from facades"
    ),
    "accuracy": Meaning("m", "Accuracy", "how far off the position may be"),
    "basis": Meaning("", "Basis", "what the position is taken from"),
    "kind": Meaning("", "Kind", "roof or wall; hub or landmark"),
    "azimuth": Meaning("degrees", "Azimuth", "clockwise from north, NaN where flat"),
    "facing": Meaning("", "Facing", "compass direction in eight parts, or flat"),
    "tilt": Meaning("degrees", "Tilt", "from horizontal: 0 a flat roof, 90 a wall"),
    "area_m2": Meaning("m²", "Area", "whole area of the roof or wall"),
    "open_m2": Meaning("m²", "Open area", "of it not covered by a neighbour"),
    "sensors": Meaning("", "Sensors", "points at which the light was computed"),
    "sky_view": Meaning("1", "Sky view", "share of the sky seen, 0 to 1"),
    "kwh": Meaning("kWh per year", "Light", "light of a year on the whole roof or wall"),
    "kwh_m2": Meaning(LIGHT, "Light", "light of a year, mean of the whole area"),
    "pv_area_m2": Meaning("m²", "Solar modules", "modules that it could carry"),
    "roof_kw": Meaning("kW", "Light on roofs", "light on all roofs, mean of the hour"),
    "facade_kw": Meaning("kW", "Light on facades", "the same on all facades"),
    "pv_kw": Meaning("kW", "Expected solar power", "expected yield, mean of the hour"),
    "ghi": Meaning("W/m²", "Light on level ground", "mean of the hour"),
    "dni": Meaning("W/m²", "Light of the sun", "on a plane that faces it"),
    "dhi": Meaning("W/m²", "Light of the sky", "on level ground"),
    "temp_air": Meaning("degC", "Air temperature", "mean of the hour"),
    "wind_speed": Meaning("m/s", "Wind speed", "mean of the hour"),
}
