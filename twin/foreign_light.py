"""Light the city model of any place and sum up what its surfaces get."""

from dataclasses import dataclass

import pandas as pd
from pyproj import Geod

from gis.errors import CrsError, WeatherError
from gis.faults import count_things
from gis.weather import Weather
from meshes.formats.cityjson_light import light_city_model, light_results
from meshes.formats.cityjson_model import CityModel
from meshes.formats.cityjson_write import CityResults
from meshes.solar.irradiance import Irradiation
from twin.build import FARTHEST_WEATHER, NEAR_WEATHER, Progress

BEST = 5
"""Roofs that the summary names."""


@dataclass(frozen=True)
class ForeignLight:
    """A city model with a year of light.

    Attributes
    ----------
    model : CityModel
        As it was read.
    weather : Weather
        The year.
    latitude, longitude : float
        Place of the sun [degrees].
    light : Irradiation
        Of roofs and walls.
    results : CityResults
        What `meshes.formats.cityjson_write.write_city_model` adds to the model.
    notes : tuple of str
        What was repaired and assumed.
    """

    model: CityModel
    weather: Weather
    latitude: float
    longitude: float
    light: Irradiation
    results: CityResults
    notes: tuple[str, ...]

    @property
    def buildings(self) -> pd.DataFrame:
        """Light of whole buildings, as `light_results` sums it up, the best roof first."""
        table = self.results.objects
        assert table is not None, "light_results tells of objects"
        whole = table[table.index.isin(set(self.model.building))]
        return whole.sort_values(
            ["roof_irradiation_kwh_m2", "roof_area_m2"], ascending=False, kind="stable"
        )


def model_place(
    model: CityModel, *, latitude: float | None = None, longitude: float | None = None
) -> tuple[float, float]:
    """Return where the sun of a city model stands.

    Parameters
    ----------
    model : CityModel
        Its reference system tells the place.
    latitude, longitude : float, optional
        Told place [degrees]; comes first.

    Raises
    ------
    CrsError
        If neither tells it, or the told one is none on Earth.
    """
    place = (
        model.latitude if latitude is None else latitude,
        model.longitude if longitude is None else longitude,
    )
    if place[0] is None or place[1] is None:
        message = (
            f"light needs the place, {model.name} states no reference system; give "
            "--latitude and --longitude"
        )
        raise CrsError(message)
    if not (-90.0 <= place[0] <= 90.0 and -180.0 <= place[1] <= 180.0):
        message = (
            f"the place must be -90..90 degrees north and -180..180 degrees east, got "
            f"{place[0]:g} and {place[1]:g}"
        )
        raise CrsError(message)
    return place[0], place[1]


def check_weather(
    weather: Weather, place: tuple[float, float], *, far: bool = False
) -> tuple[str, ...]:
    """Refuse weather of another climate, and tell that of another place.

    Parameters
    ----------
    weather : Weather
        The year.
    place : (float, float)
        Latitude and longitude of the model [degrees].
    far : bool
        Whether weather from beyond `twin.build.FARTHEST_WEATHER` is taken all the same.

    Returns
    -------
    tuple of str
        What to know of it.

    Raises
    ------
    WeatherError
        If it is of a place too far away.
    """
    if weather.latitude is None or weather.longitude is None:
        return ("The weather does not tell its place; it was taken as the model's.",)
    here, there = (place[1], place[0]), (weather.longitude, weather.latitude)
    distance = Geod(ellps="GRS80").inv(*here, *there)[2] / 1000
    if distance > FARTHEST_WEATHER and not far:
        message = (
            f"weather must be from within {FARTHEST_WEATHER:g} km of the model, got "
            f"{distance:,.0f} km (model {place[0]:.2f} N {place[1]:.2f} E, weather "
            f"{weather.latitude:.2f} N {weather.longitude:.2f} E); give a year from nearer "
            "by with --weather, or take this one with --far-weather"
        )
        raise WeatherError(message)
    if distance < NEAR_WEATHER:
        return ()
    minutes = abs(there[0] - here[0]) * 4
    return (
        f"The weather is that of a place {distance:,.0f} km away, where the sun is "
        f"{minutes:.0f} minutes {'earlier' if there[0] > here[0] else 'later'}; sun and "
        "shade are those of the model's place.",
    )


def light_foreign(
    model: CityModel,
    weather: Weather,
    *,
    spacing: float = 1.0,
    latitude: float | None = None,
    longitude: float | None = None,
    far: bool = False,
    shade_of_all: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ForeignLight:
    """Light a city model for a year.

    Parameters
    ----------
    model : CityModel
        As `meshes.formats.cityjson_read.read_city_model` reads it.
    weather : Weather
        One year of hours.
    spacing : float
        Largest distance between sensors [m].
    latitude, longitude, far
        See `model_place` and `check_weather`.
    shade_of_all : bool
        Whether ground, water and plants of the model block light too.
    threads : int, optional
        Working threads; all processors by default.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    ForeignLight

    Raises
    ------
    CrsError
        If nobody tells the place.
    WeatherError
        If the weather is of a place too far away.
    """
    place = model_place(model, latitude=latitude, longitude=longitude)
    notes = check_weather(weather, place, far=far)
    light = light_city_model(
        model,
        weather,
        spacing=spacing,
        latitude=place[0],
        longitude=place[1],
        shade_of_all=shade_of_all,
        threads=threads,
        progress=progress,
    )
    return ForeignLight(
        model,
        weather,
        *place,
        light,
        light_results(model, light),
        (*model.notes, *weather.notes, *notes),
    )


def foreign_lines(lit: ForeignLight) -> list[str]:
    """Sum up in some lines.

    Parameters
    ----------
    lit : ForeignLight
        A model with its light.
    """
    model, table = lit.model, lit.buildings
    levels = sorted({level for level in model.lod if level})
    system = "no reference system" if model.system is None else model.system.name
    north = "N" if lit.latitude >= 0 else "S"
    east = "E" if lit.longitude >= 0 else "W"
    lines = [
        f"Model      {count_things(len(set(model.building)), 'building')} in "
        f"{count_things(len(model.solids.parts), 'part')}"
        + (f", LoD {', '.join(levels)}" if levels else "")
        + f"; {system}",
        f"Place      {abs(lit.latitude):.3f} {north} {abs(lit.longitude):.3f} {east}; "
        "sun and shade are those of this place",
        f"Weather    {lit.weather.source}; "
        f"{lit.weather.table['ghi'].sum() / 1000:,.0f} kWh/m2 a year on open ground",
    ]
    for kind, name in (("roof", "Roofs"), ("wall", "Walls")):
        area, energy = (
            float(table[f"{kind}_{what}"].sum()) for what in ("area_m2", "irradiation_kwh")
        )
        told = f"{energy / area:,.0f} kWh/m2 a year on average" if area > 0 else "none"
        lines.append(f"{name:<11}{area:,.0f} m2, {told}")
    best = table[table["roof_area_m2"] > 0].head(BEST)
    if len(best):
        wide = max(map(len, map(str, best.index)))
        lines.append(f"Best roofs {'':<{wide}}  {'m2':>9}  {'kWh/m2':>7}  {'MWh':>8}")
        lines += [
            f"{'':<11}{identity!s:<{wide}}  {row['roof_area_m2']:>9,.0f}  "
            f"{row['roof_irradiation_kwh_m2']:>7,.0f}  "
            f"{row['roof_irradiation_kwh'] / 1000:>8,.1f}"
            for identity, row in best.iterrows()
        ]
    return lines
