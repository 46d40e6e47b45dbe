"""Write a built twin as a folder that other tools can open."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from gis.errors import OutputError
from gis.layers import write_buildings
from meshes.polygons import Float32Array
from meshes.render.stills import write_stills
from twin.build import Built, Progress, monthly_pv
from twin.description import input_hash, write_description
from twin.exporting import export_cityjson
from twin.horizon_file import FILE as HORIZON
from twin.horizon_file import write_horizon
from twin.light_files import (
    CROWNS,
    write_crowns,
    write_facet_light,
    write_visibility,
    write_weather,
)
from twin.model import District as Place
from twin.model import building_table, district_model
from twin.reflectances import FILE as REFLECTANCES
from twin.reflectances import write_parts
from twin.report import write_report
from twin.simulation.day_faults import FILE as FAULTS_FILE
from twin.simulation.demand import SOURCE as SIMULATED
from twin.simulation.demand import simulate_day
from twin.state import TwinState
from twin.store.log import FILE as LOG_FILE
from twin.store.log import Log
from twin.tables import (
    Provenance,
    facet_table,
    write_facets,
    write_hourly,
    write_meters,
    write_sensors,
)
from twin.things import write_model

SIMULATED_DAY = (6, 21)
"""Month and day of the simulated meter data."""

METHOD = (
    "Buildings are bodies with the roof that is told of them (LoD2: {roofed} of {parts} "
    "parts) or upright blocks (LoD1) on the terrain; every roof and wall carries sensors "
    "{spacing:g} m apart or closer.",
    "Shade is exact at the sensors: occluding polygons are projected along 577 sky "
    "directions and the sun's path in ten-minute steps, binned to 2 degrees.",
    "The sky is Perez' all-weather sky of each hour on the same 577 patches; the light "
    "around the sun belongs to it.",
    "{reflectances}; rays follow it from surface to surface between tiles of ground and "
    "buildings.",
    "{trees}",
    "{land}",
    "Solar power is a potential, not a plan: modules of {power_density:g} kW per m² in "
    "the plane of the surface, on {roof:.0%} of the roof area that gets at least "
    "{roof_threshold:g} kWh/m² a year and {facade:.0%} of the facade area that gets at "
    "least {facade_threshold:g} kWh/m², {losses:.0%} losses (assumptions); cells by pvlib "
    "(Huld, Faiman).",
    "Meter data are simulated for one day; they show how the twin will look with live "
    "data.",
)


TREES = {
    True: "{count:,} trees shade as porous crowns on trunks: each lets through a share of "
    "sun and sky that changes with its leaves from month to month, {leaf:.0%} to "
    "{bare:.0%} (measured means and assumptions); of the crowns of a kind on a ray two "
    "count, and what ground and buildings throw back is as without "
    "trees.",
    False: "Trees do not cast shade on the sensors.",
}
LAND = {
    True: "Far land hides the sun and the sky below its horizon line, which is that of the "
    "district's middle for all of it.",
    False: "Land beyond the terrain model hides nothing.",
}


@dataclass(frozen=True)
class Written:
    """A written twin.

    Attributes
    ----------
    files : tuple of Path
        What was written.
    state : TwinState
        The twin with its simulated day.
    moment : Timestamp
        End of the simulated day, the state's present.
    """

    files: tuple[Path, ...]
    state: TwinState
    moment: pd.Timestamp


def write_twin(
    built: Built, folder: Path, *, stills: bool = True, progress: Progress | None = None
) -> Written:
    """Write report, stills, model and tables.

    Parameters
    ----------
    built : Built
        The lit district.
    folder : Path
        Made if missing; files of the same names are replaced, each only when it is whole,
        and stills of an earlier build are taken away.
    stills : bool
        Whether to draw the pictures, the slowest part.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    Written

    Raises
    ------
    OutputError
        If the folder or a file cannot be written.
    """
    _make_folder(folder)
    told: Progress = progress or (lambda _text, _share: None)
    district, light, pv = built.district, built.light, built.pv
    provenance = Provenance(
        version=version("heidi-twin"),
        input_hash=input_hash(built),
        schematic=district.schematic,
        credits=(*district.credits, built.weather.source),
    )
    state, moment = simulated_state(built)
    pictures: list[Path] = []

    def save_tables(path: Path) -> None:
        panels = pd.DataFrame(
            {"pv_area_m2": pv.module_area, "pv_kwp": pv.power, "pv_kwh": pv.energy},
            index=pd.Index(built.facets.ids),
        )
        table = facet_table(
            built.facets,
            district.buildings["building"],
            parts_kwh_m2=light.facet_parts,
            sky_view=light.facet_sky_view,
            pv=panels,
        )
        write_facets(path, table, provenance=provenance)

    def save_sensors(path: Path) -> None:
        write_sensors(
            path,
            built.facets,
            parts_kwh_m2=light.sensor_parts,
            sky_view=light.sensor_sky_view,
            provenance=provenance,
        )

    def save_hours(path: Path) -> None:
        names, sums = building_hours(built)
        write_hourly(
            path,
            names,
            pd.DatetimeIndex(built.weather.table.index),
            **sums,
            provenance=provenance,
        )

    def save_report(path: Path) -> None:
        write_report(
            path,
            district,
            built.facets,
            built.parts,
            sensor_kwh_m2=light.sensor_annual,
            facet_monthly_kwh_m2=light.facet_monthly,
            weather=built.weather,
            pv_monthly_kwh=monthly_pv(built),
            method=method_sentences(built),
        )

    steps: list[tuple[str, Callable[[Path], None]]] = [
        (
            "buildings.gpkg",
            lambda path: write_buildings(path, district, built.part_results),
        ),
        (
            "district.city.json",
            lambda path: export_cityjson(built, path, with_ground=False),
        ),
        ("terrain.tif", district.terrain.save),
        ("facets.parquet", save_tables),
        ("sensors.parquet", save_sensors),
        ("hourly.parquet", save_hours),
        (
            "facet_light.parquet",
            lambda path: write_facet_light(path, light, provenance=provenance),
        ),
        (
            "visibility.parquet",
            lambda path: write_visibility(path, light, provenance=provenance),
        ),
        (
            "weather.parquet",
            lambda path: write_weather(path, built.weather, provenance=provenance),
        ),
        ("model.json", lambda path: write_model(path, state.model)),
        (
            "meters_simulated.parquet",
            lambda path: write_meters(path, state.observations, provenance=provenance),
        ),
    ]
    if light.crowns is not None:
        steps.append(
            (CROWNS, lambda path: write_crowns(path, light, provenance=provenance))
        )
    reflectances = built.reflectances
    if reflectances.parts is not None:
        steps.append(
            (
                REFLECTANCES,
                lambda path: write_parts(path, reflectances, provenance=provenance),
            )
        )
    far_land = built.horizon
    if far_land is not None:
        steps.append((HORIZON, lambda path: write_horizon(path, far_land)))
    if stills:

        def draw(path: Path) -> None:
            pictures.extend(
                write_stills(
                    path.parent,
                    district,
                    built.facets,
                    light.sensor_annual,
                    trees_shade=light.crowns is not None,
                )
            )

        steps.append(("stills", draw))
    # What describes the whole goes first and comes last: a folder that was left halfway
    # holds no description of another district.
    steps += [
        ("report.html", save_report),
        ("heidi.toml", lambda path: write_description(path, built, provenance)),
    ]
    descriptions = ("heidi.toml", "report.html", "quality.json", "quality.html")
    parts_of_light = (CROWNS, HORIZON, REFLECTANCES)
    for old in (
        *(folder / name for name in descriptions + parts_of_light),
        *folder.glob("still_*.png"),
    ):
        _take_away(old)
    _forget_simulated_days(folder)
    for count, (name, step) in enumerate(steps):
        told(name, count / len(steps))
        step(folder / name)
    told("files", 1.0)
    named = [folder / name for name, _ in steps if name != "stills"]
    return Written((*named, *pictures), state, moment)


def _forget_simulated_days(folder: Path) -> None:
    """Remove a log that holds nothing but simulated days: they follow from the old twin."""
    log = folder / LOG_FILE
    if not log.exists():
        return
    with Log(log, read_only=True) as opened:
        sources = opened.sources()
    if set(sources) <= {SIMULATED}:
        for suffix in ("", "-wal", "-shm"):
            _take_away(log.with_name(log.name + suffix))
        _take_away(folder / FAULTS_FILE)


def _take_away(old: Path) -> None:
    """Remove a file of an earlier build."""
    try:
        old.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot replace {old}: {error.strerror}; change --out"
        raise OutputError(message) from error


def check_folder(folder: Path, inputs: Sequence[Path] = ()) -> None:
    """Say early, and without making it, whether a folder can be used for output.

    Parameters
    ----------
    folder : Path
        Where the output shall go.
    inputs : sequence of Path
        Files that are read; none of them may lie in the folder and be replaced.

    Raises
    ------
    OutputError
        If it is a file, lies where nothing can be written, or holds an input.
    """
    standing = next(
        place for place in (folder, *folder.absolute().parents) if place.exists()
    )
    reason = ""
    if not standing.is_dir():
        reason = f"{standing} is a file"
    elif not os.access(standing, os.W_OK | os.X_OK):
        reason = f"{standing} may not be written"
    for path in inputs:
        if path.resolve().parent == folder.resolve():
            reason = f"{path} lies in it and might be replaced"
    if reason:
        message = f"output must be a folder that can be written, but {reason}; change --out"
        raise OutputError(message)


def _make_folder(folder: Path) -> None:
    """Make the output folder."""
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make {folder}: {error.strerror}; change --out"
        raise OutputError(message) from error


def building_hours(built: Built) -> tuple[list[str], dict[str, Float32Array]]:
    """Sum the hours of the parts per building.

    Returns
    -------
    names : list of str
        The b buildings in order of first appearance.
    sums : dict
        ``roof_kw``, ``facade_kw`` and ``pv_kw``, each (b, h) float32 [kW].
    """
    codes, names = pd.factorize(built.district.buildings["building"])
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names)))
    hours = {
        "roof_kw": built.hours.roof,
        "facade_kw": built.hours.facade,
        "pv_kw": built.hours.pv,
    }
    return list(names), {
        name: np.add.reduceat(values[order], starts, axis=0)
        for name, values in hours.items()
    }


def simulated_state(built: Built) -> tuple[TwinState, pd.Timestamp]:
    """Return the twin with one simulated day of meters and its last moment."""
    facets, pv = built.facets, built.pv
    buildings = building_table(built.district.buildings)
    owner = built.district.buildings["building"].to_numpy()[facets.part]
    carried = pd.Series(facets.ids)[pv.power > 0].groupby(owner[pv.power > 0])
    panels = {str(name): list(group) for name, group in carried}
    model = district_model(
        buildings, pv_facets=panels, district=Place("district", built.district.name)
    )
    index = pd.DatetimeIndex(built.weather.table.index)
    month, day = SIMULATED_DAY
    chosen = np.flatnonzero((index.month == month) & (index.day == day))
    names, sums = building_hours(built)
    expected = pd.DataFrame(sums["pv_kw"][:, chosen].T, index=index[chosen], columns=names)
    expected = expected[[name for name in names if name in panels]].astype(float)
    observations = simulate_day(
        buildings, expected, built.weather.table, day=index[chosen[0]].date()
    )
    moment = index[chosen[-1]] + pd.Timedelta(hours=1)
    return TwinState(model, observations, expected), moment


def _trees_sentence(built: Built) -> str:
    """Say whether and how trees shade."""
    crowns = built.light.crowns
    if crowns is None or crowns.bits is None or len(crowns.bits.transmittance) < 2:
        return TREES[False]
    passed = crowns.bits.transmittance[1:]
    return TREES[True].format(
        count=len(built.district.trees), leaf=passed.min(), bare=passed.max()
    )


def method_sentences(built: Built) -> tuple[str, ...]:
    """Return how light and power were computed, in sentences."""
    chosen = built.pv.assumptions
    return tuple(
        sentence.format(
            spacing=built.spacing,
            roofed=int((built.roofs.table["lod"] != "1.2").sum()),
            parts=len(built.roofs.table),
            power_density=chosen.power_density,
            roof=chosen.roof_cover,
            facade=chosen.facade_cover,
            roof_threshold=chosen.roof_threshold,
            facade_threshold=chosen.facade_threshold,
            losses=chosen.losses,
            trees=_trees_sentence(built),
            reflectances=built.reflectances.sentence(),
            land=LAND[built.horizon is not None],
        )
        for sentence in METHOD
    )
