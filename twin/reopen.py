"""Open a twin folder again, just as it was built."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from gis.district import District
from gis.errors import SourceError
from gis.layers import read_layers
from gis.terrain import read_terrain
from gis.weather import Weather
from meshes.facets import make_facets
from meshes.roofs.raising import raise_buildings
from meshes.solar.canopy import make_canopy
from meshes.solar.courses import follow, snow_shares
from meshes.solar.far_land import behind_land
from meshes.solar.light import year_of_light
from meshes.solar.photovoltaics import PvAssumptions
from meshes.solar.sky import reinhart_patches
from meshes.solar.sun import sun_path
from twin.build import Built, Progress, part_table, tree_crowns
from twin.description import FILE, input_hash, read_description
from twin.horizon_file import FILE as HORIZON
from twin.horizon_file import read_horizon
from twin.light_files import read_light, read_potential, read_weather_table
from twin.reflectances import described as described_reflectances


def open_twin(folder: Path, *, progress: Progress | None = None) -> Built:
    """Open a twin folder.

    Parameters
    ----------
    folder : Path
        As `twin.folder.write_twin` wrote it.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    Built
        The same district and the same light, to the last bit of every table.

    Raises
    ------
    SourceError
        If the folder is no twin, lacks a file, or its files were changed since the light
        was computed.
    """
    told: Progress = progress or (lambda _text, _share: None)
    folder = Path(folder)
    description = read_description(folder)
    told("opening", 0.0)
    try:
        district = _read_district(folder, description)
        weather = _read_weather(folder, description)
        described = description["light"]
        spacing = float(described["sensor_spacing_m"])
        reflectances = described_reflectances(folder, described)
        assumptions = PvAssumptions(**description["photovoltaics"])
    except (KeyError, TypeError) as error:
        message = (
            f"{folder / FILE} must describe a whole twin, but {error} is missing or of the "
            "wrong kind; build the twin again"
        )
        raise SourceError(message) from error
    solids, roofs = raise_buildings(district.buildings)
    facets = make_facets(solids, spacing=spacing, terrain=district.terrain)
    told("opening", 0.4)
    place = {
        "latitude": district.latitude,
        "longitude": district.longitude,
        "grid_convergence": district.grid_convergence,
    }
    sky = reinhart_patches()
    light = year_of_light(weather, sky, **place)
    path = sun_path(weather.sun_times, light.beam, **place)
    horizon = None
    if described.get("horizon"):
        horizon = read_horizon(folder / HORIZON, source=described["horizon"])
        light, path = behind_land(
            light, path, sky, horizon, grid_convergence=district.grid_convergence
        )
    canopy = None
    if described.get("trees_shade"):
        canopy = make_canopy(tree_crowns(district, solids))
    snow = snow_shares(reflectances.ground.value)
    courses = follow(light, sky, path, snow=snow)
    lit = read_light(folder, facets, light, path, sky, courses, canopy=canopy)
    told("opening", 0.7)
    pv = read_potential(folder, assumptions)
    parts = part_table(district, roofs, lit, pv)
    built = Built(
        district,
        weather,
        solids,
        roofs,
        facets,
        lit,
        pv,
        parts,
        spacing,
        horizon,
        reflectances,
    )
    told("opening", 1.0)
    if input_hash(built) != description["twin"]["inputs"]:
        message = (
            f"the files of {folder} must be those the light was computed from, but "
            "buildings, terrain, weather or heidi.toml have changed, or another version "
            "of heidi wrote them; build the twin again"
        )
        raise SourceError(message)
    return built


def _read_district(folder: Path, description: dict[str, Any]) -> District:
    """Read the district from its layers."""
    twin, frame = description["twin"], description["frame"]
    layers = read_layers(folder / "buildings.gpkg")
    terrain, _ = read_terrain(folder / "terrain.tif")
    return District(
        name=twin["name"],
        boundary=layers.boundary,
        buildings=layers.buildings,
        terrain=replace(terrain, source=frame["terrain_source"]),
        water=layers.water,
        landmarks=layers.landmarks,
        trees=layers.trees,
        schematic=twin["schematic"],
        credits=tuple(twin["credits"]),
        notes=tuple(twin["notes"]),
        water_level=frame["water_level_m"],
        decks=layers.decks,
        plan=layers.plan,
        records=layers.records,
    )


def _read_weather(folder: Path, description: dict[str, Any]) -> Weather:
    """Read the year that lit the district."""
    told = description["weather"]
    return Weather(
        table=read_weather_table(folder / "weather.parquet"),
        latitude=told.get("latitude"),
        longitude=told.get("longitude"),
        source=told["source"],
        notes=tuple(told["notes"]),
        sun_offset_minutes=told["sun_offset_minutes"],
    )
