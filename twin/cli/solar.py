"""Ask about light on the command line: of a twin, or of sensors around any mesh."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.stages import Stages

if TYPE_CHECKING:
    import pandas as pd

    from gis.weather import Weather

SPLITS = {577: 2, 2305: 4}
"""Patches of the sky, and how often each of Tregenza's is split."""

USED = "it is used"
"""How the reader of weather says that it took the sun's time from the radiation."""

HOUR = 60.0  # [min]

MOST_SKY = 400_000_000
"""Most values of the sky's light, 1.6 GB: a year of two minutes on 577 patches."""

FOR_MESH = (
    "sensors",
    "weather",
    "lat",
    "lon",
    "albedo",
    "reflectance",
    "sun_offset",
    "patches",
    "hourly",
    "snow",
    "step",
)
"""Options that a twin has no use for."""


def solar(
    context: typer.Context,
    target: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|MESH",
            help="Twin folder; or a mesh in metres, z up: OBJ, PLY, STL, glTF, CityJSON.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="CSV to write: of a twin its roofs and walls."),
    ] = None,
    building: Annotated[
        str | None, typer.Option("--building", help="Twin: only this building's id.")
    ] = None,
    now: Annotated[
        float | None,
        typer.Option(
            "--now",
            help="Twin: light on level ground measured at --time [W/m2]; tells what all "
            "roofs and facades get at that moment.",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time", help="Twin: moment of --now, as 2026-06-21T12:00+02:00. Default: now."
        ),
    ] = None,
    sensors: Annotated[
        Path | None,
        typer.Option("--sensors", help="Mesh: CSV with x,y,z,nx,ny,nz of each sensor."),
    ] = None,
    weather: Annotated[
        Path | None,
        typer.Option("--weather", help="Mesh: weather year, EPW, CSV, PVGIS or SMHI."),
    ] = None,
    lat: Annotated[
        float | None,
        typer.Option("--lat", help="Mesh: degrees north. Default: the weather's place."),
    ] = None,
    lon: Annotated[float | None, typer.Option("--lon", help="Mesh: degrees east.")] = None,
    albedo: Annotated[
        str,
        typer.Option(
            "--albedo",
            help="Mesh: reflectance of the ground at z = 0; a share, twelve of them "
            "(January first, with commas) or a material, such as asphalt.",
        ),
    ] = "0.2",
    snow: Annotated[
        str | None,
        typer.Option(
            "--snow",
            help="Mesh: share of each month with snow on the ground: 'skane' or twelve "
            "numbers. Default: no snow.",
        ),
    ] = None,
    reflectance: Annotated[
        str,
        typer.Option(
            "--reflectance",
            help="Mesh: reflectance of all its faces; a share or a material.",
        ),
    ] = "0.3",
    sun_offset: Annotated[
        str,
        typer.Option(
            "--sun-offset",
            help="Mesh: 'auto' follows the sun in ten-minute steps, at the time found in "
            "the weather itself; MINUTES holds it there all hour (or step), counted from "
            "its start (30 = mid-hour).",
        ),
    ] = "auto",
    step: Annotated[
        int | None,
        typer.Option(
            "--step",
            help="Mesh: minutes to which the weather is averaged, 1 to 60. Default: the "
            "steps of the file.",
        ),
    ] = None,
    patches: Annotated[
        int, typer.Option("--patches", help="Mesh: patches of the sky, 577 or 2305.")
    ] = 2305,
    *,
    hourly: Annotated[
        bool,
        typer.Option(
            "--hourly",
            help="Mesh: also write the hours, or finer steps of the weather, beside "
            "--out as .parquet.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON.")
    ] = False,
) -> None:
    """Tell the light of a year: direct, diffuse and reflected, in kWh/m2.

    Of a twin: means of roofs and facades by part and month. Of a mesh: every sensor of a
    CSV, with shade and reflections by the mesh and by level ground at z = 0.

    Examples: heidi solar heidi-demo --building heidi-104 --json

    heidi solar heidi-demo --now 640 --time 2026-06-21T12:00+02:00

    heidi solar town.obj --sensors points.csv --weather year.epw --out result.csv
    """
    if target.is_dir():
        _refuse(context, FOR_MESH, "a mesh", "a twin folder")
        _of_twin(target, out, building, now=now, time=time, as_json=as_json)
        return
    _refuse(context, ("building", "now", "time"), "a twin folder", "a mesh")
    _of_mesh(
        target,
        _needed(sensors, "--sensors", "points.csv"),
        _needed(weather, "--weather", "year.epw"),
        _needed(out, "--out", "result.csv"),
        place=(lat, lon),
        surfaces=(albedo, snow, reflectance),
        sun_offset=sun_offset,
        step=step,
        patches=patches,
        hourly=hourly,
        as_json=as_json,
    )


def _refuse(context: typer.Context, names: tuple[str, ...], wanted: str, got: str) -> None:
    """Refuse options that the target has no use for."""
    from gis.errors import SourceError

    # By name, as typer brings a copy of click along that gives no type for it.
    given = [
        name
        for name in names
        if (source := context.get_parameter_source(name)) is not None
        and source.name != "DEFAULT"
    ]
    if given:
        told = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        message = (
            f"{told} can be asked of {wanted} only, got {got}; leave out what is not for it"
        )
        raise SourceError(message)


def _needed(value: Path | None, option: str, example: str) -> Path:
    """Return an option that a mesh needs."""
    from gis.errors import SourceError

    if value is None:
        message = f"light around a mesh needs {option}; give it, such as {option} {example}"
        raise SourceError(message)
    return value


def _of_twin(
    folder: Path,
    out: Path | None,
    building: str | None,
    *,
    now: float | None,
    time: str | None,
    as_json: bool,
) -> None:
    """Sum up the light of a twin, over the year or at a moment."""
    from gis.errors import WeatherError
    from gis.files import check_ending
    from twin.solar_summary import light_lines, light_record, twin_light, write_facet_csv

    if out is not None:
        check_ending(out, (".csv",))
    if time is not None and now is None:
        message = "--time is the moment of --now, which is missing; give both"
        raise WeatherError(message)
    if now is not None:
        _at_moment(folder, out, building, now, time, as_json=as_json)
        return
    found = twin_light(folder, building=building)
    if out is not None:
        write_facet_csv(out, found)
    if as_json:
        typer.echo(json.dumps(light_record(found), ensure_ascii=False, indent=1))
        return
    for line in light_lines(found):
        typer.echo(line)
    if out is not None:
        typer.echo(f"Written    {out} ({len(found.facets):,} roofs and walls)")


def _at_moment(
    folder: Path,
    out: Path | None,
    building: str | None,
    ghi: float,
    time: str | None,
    *,
    as_json: bool,
) -> None:
    """Tell the light of a moment."""
    from gis.files import atomic_path
    from twin.moment import moment_lines, moment_record, read_moment, twin_at
    from twin.reopen import open_twin

    moment = read_moment(time)
    with Stages() as told:
        built = open_twin(folder, progress=told)
    found = twin_at(built, ghi=ghi, time=moment, building=building)
    if out is not None:
        with atomic_path(out) as temporary:
            found.facets.round(2).to_csv(temporary, lineterminator="\n")
    if as_json:
        typer.echo(json.dumps(moment_record(found), ensure_ascii=False, indent=1))
        return
    for line in moment_lines(found):
        typer.echo(line)
    if out is not None:
        typer.echo(f"Written    {out} ({len(found.facets):,} roofs and walls)")


def _of_mesh(
    path: Path,
    sensors: Path,
    weather: Path,
    out: Path,
    *,
    place: tuple[float | None, float | None],
    surfaces: tuple[str, str | None, str],
    sun_offset: str,
    step: int | None,
    patches: int,
    hourly: bool,
    as_json: bool,
) -> None:
    """Light sensors around a mesh."""
    import pandas as pd

    from gis.errors import GeometryError
    from gis.sources.weather_files import read_series
    from meshes.formats.mesh_file import read_mesh
    from meshes.solar.albedo import read_albedo
    from meshes.solar.materials import read_reflectance
    from meshes.solar.point_light import light_on_points
    from twin.foreign_light import check_weather
    from twin.sensor_points import annual_columns, read_sensor_points, write_light

    hours = out.with_suffix(".parquet") if hourly else None
    _check_outputs(
        [file for file in (out, hours) if file is not None],
        {"mesh": path, "file of --sensors": sensors, "file of --weather": weather},
    )
    if sun_offset != "auto":
        _minutes(sun_offset)
    ground, faces = (
        read_albedo(surfaces[0], snow=surfaces[1]),
        read_reflectance(surfaces[2], name="--reflectance"),
    )
    if patches not in SPLITS:
        message = f"--patches must be 577 or 2305, got {patches}"
        raise GeometryError(message)
    with Stages() as told:
        told("reading", 0.0)
        points = read_sensor_points(sensors)
        mesh = read_mesh(path)
        year = read_series(weather, step_minutes=None if step is None else float(step))
        _check_steps(year, patches)
        latitude, longitude = _place(year, *place)
        elsewhere = check_weather(year, (latitude, longitude), far=True)
        year, sun_step = _sunned(year, sun_offset, (latitude, longitude))
        light, notes = light_on_points(
            mesh,
            points.points,
            points.normals,
            year,
            latitude=latitude,
            longitude=longitude,
            albedo=ground.value,
            reflectance=faces.value,
            sky_split=SPLITS[patches],
            step_minutes=sun_step,
            progress=told,
        )
        told("writing", 1.0)
        write_light(
            out, points, light, hours=hours, times=pd.DatetimeIndex(year.table.index)
        )
    dark = light.path.dark_note(light.light.beam, interval_minutes=year.step_minutes)
    notes = (*year.notes, *elsewhere, *notes, *(() if dark is None else (dark,)))
    for note in notes:
        typer.echo(f"  note: {note}", err=True)
    annual = annual_columns(light)
    record = {
        "sensors": len(annual),
        "mean_kwh_m2": {name: round(float(annual[name].mean()), 3) for name in annual},
        "latitude": latitude,
        "longitude": longitude,
        "sun_offset_minutes": year.sun_offset_minutes,
        "hours": year.hours,
        "step_minutes": year.step_minutes,
        "whole_year": year.is_year,
        "albedo": ground.months[0] if len(set(ground.months)) == 1 else ground.months,
        "albedo_source": ground.source,
        "reflectance": faces.value,
        "reflectance_source": faces.source,
        "files": [str(file) for file in (out, hours) if file is not None],
        "notes": list(notes),
    }
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1))
        return
    _tell(annual, record)


def _check_steps(year: "Weather", patches: int) -> None:
    """Refuse more steps than the light of the sky can be held for."""
    from gis.errors import WeatherError

    most = MOST_SKY // patches
    if len(year.table) > most:
        message = (
            f"with --patches {patches} weather may have {most:,} steps, got "
            f"{len(year.table):,} of {year.step_minutes:g} min; give --step 10 or "
            "--patches 577"
        )
        raise WeatherError(message)


def _check_outputs(outputs: list[Path], inputs: dict[str, Path]) -> None:
    """Refuse to write where it cannot be, or over what is read."""
    from gis.errors import OutputError
    from gis.files import check_ending

    check_ending(outputs[0], (".csv",))
    if not outputs[0].absolute().parent.is_dir():
        message = (
            f"--out needs an existing folder, {outputs[0].parent} is none; make it first"
        )
        raise OutputError(message)
    for out in outputs:
        if out.is_dir():
            message = f"{out} must be a file to write, got a folder; choose another name"
            raise OutputError(message)
        for name, file in inputs.items():
            if out.exists() and file.exists() and out.samefile(file):
                message = (
                    f"{out} is the {name} and would be written over; choose another --out"
                )
                raise OutputError(message)


def _tell(annual: "pd.DataFrame", record: dict[str, object]) -> None:
    """Print what came out."""
    typer.echo(f"Sensors    {len(annual):,}")
    span = "a year" if record["whole_year"] else f"in {record['hours']:,} hours"
    for name in annual:
        values = annual[name]
        typer.echo(
            f"{str(name).capitalize():<11}{values.mean():,.1f} kWh/m2 {span} in the mean, "
            f"{values.min():,.1f} to {values.max():,.1f}"
        )
    every = record["step_minutes"]
    each = "each hour" if every == HOUR else f"each step of {every:g} min"
    typer.echo(f"Sun        at minute {record['sun_offset_minutes']:g} of {each}")
    files = record["files"]
    assert isinstance(files, list)
    typer.echo(f"Written    {', '.join(files)}")


def _sunned(
    year: "Weather", offset: str, place: tuple[float, float]
) -> tuple["Weather", float]:
    """Return the year with its sun where it was told to stand, and the step [min]."""
    from dataclasses import replace

    from gis.weather_clock import find_sun_offset
    from meshes.solar.sun import STEP_MINUTES

    if offset == "auto":
        if year.latitude is not None:
            return year, STEP_MINUTES
        # The reader could only look for the sun of the district.
        fit = find_sun_offset(year.table, latitude=place[0], longitude=place[1])
        # What differs from the middle within the method's doubt is no reason to leave it.
        found = fit.minutes if fit.decisive else fit.middle
        notes = (
            *(note for note in year.notes if "district" not in note and USED not in note),
            f"the sun stands {found:+g} min from the labels, found for "
            f"{place[0]:g}, {place[1]:g} by {fit.method}",
        )
        return replace(year, sun_offset_minutes=found, notes=notes), STEP_MINUTES
    minutes = _minutes(offset)
    told = f"--sun-offset {minutes:g} is used instead"
    notes = tuple(note.replace(USED, told) for note in year.notes)
    return replace(year, sun_offset_minutes=minutes, notes=notes), 60.0


def _minutes(offset: str) -> float:
    """Return the minutes of --sun-offset."""
    from gis.errors import WeatherError

    try:
        minutes = float(offset)
    except ValueError:
        minutes = float("nan")
    if not -60.0 <= minutes <= 120.0:
        message = (
            f"--sun-offset must be 'auto' or minutes from -60 to 120, got {offset!r}; 30 "
            "is the middle of the hour"
        )
        raise WeatherError(message)
    return minutes


def _place(year: "Weather", lat: float | None, lon: float | None) -> tuple[float, float]:
    """Return the place of the sun."""
    from gis.errors import WeatherError

    latitude = year.latitude if lat is None else lat
    longitude = year.longitude if lon is None else lon
    if latitude is None or longitude is None:
        message = "the weather names no place; give --lat and --lon in degrees"
        raise WeatherError(message)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        message = (
            "--lat must be -90..90 and --lon -180..180 degrees, got "
            f"{latitude:g}, {longitude:g}"
        )
        raise WeatherError(message)
    return latitude, longitude
