"""Measure daylight on the command line."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis.errors import GeometryError, OutputError, WeatherError

if TYPE_CHECKING:
    from twin.daylight import Daylight

MEASURES = ("sun-hours", "en17037", "apsh", "svf", "vsc")
PLACES = ("facades", "ground")
TABLES = (".gpkg", ".geojson", ".csv")
RASTERS = (".tif", ".tiff")

MOST_NAMED = 10
"""Buildings that are named on the screen."""

FINEST, COARSEST = 0.1, 50.0
"""Distances of sensors that make sense [m]."""


def daylight(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Twin folder, as heidi build writes it.")
    ],
    measure: Annotated[
        str,
        typer.Option(
            "--measure",
            help="sun-hours: sun on chosen days. en17037: its levels of 1.5, 3 and 4 h. "
            "apsh: share of the year's probable sunlight hours (BRE: 25 %, winter 5 %). "
            "svf: view of the sky. vsc: vertical sky component (BRE: 27 %).",
        ),
    ] = "sun-hours",
    where: Annotated[str, typer.Option("--where", help="facades or ground.")] = "facades",
    day: Annotated[
        str | None,
        typer.Option(
            "--date",
            help="Day, such as 2026-03-20. Default: the equinox; en17037 21 March.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", help="Last day of several, whose mean is told."),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            help="Hours of the clock, as 9-17 or 8:30-16. Default: 9-17; en17037 0-24.",
        ),
    ] = None,
    step: Annotated[
        float, typer.Option("--step", help="Time between two positions of the sun [min].")
    ] = 5.0,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance", help="Halve the step until no error is larger [min of a day]."
        ),
    ] = None,
    lowest_sun: Annotated[
        float | None,
        typer.Option(
            "--lowest-sun",
            help="Height from which the sun counts [degrees]. Default: 0; en17037 10, "
            "assumed.",
        ),
    ] = None,
    spacing: Annotated[
        float, typer.Option("--spacing", help="Distance of sensors [m].")
    ] = 1.0,
    height: Annotated[
        float, typer.Option("--height", help="Height above the ground [m]; 1.5 is an eye.")
    ] = 0.0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Facades: .gpkg, .geojson (lines of the plan) or .csv. Ground: GeoTIFF.",
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Map to draw: .png.")
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the answer as JSON.")
    ] = False,
) -> None:
    """Measure daylight on facades or on open ground.

    Hours of sun are those of clear days, every shadow exact, every edge of light known to
    half a step. Sun hours from 9 to 17 at the equinox are compared with the 5 h that the
    Swedish National Board of Housing wishes for.

    Example: heidi daylight heidi-demo --where ground --picture sun.png

    Example: heidi daylight heidi-demo --measure vsc --out facades.gpkg
    """
    from gis.files import check_ending
    from twin.cli.stages import Stages
    from twin.daylight import measure_daylight, open_place
    from twin.daylight_question import Measure, Question, Where

    question = Question(
        measure=Measure(_one_of(measure, MEASURES, "--measure")),
        where=Where(_one_of(where, PLACES, "--where")),
        first=_day(day, "--date"),
        last=_day(until, "--until"),
        window=_window(window),
        step_minutes=step,
        tolerance_minutes=tolerance,
        lowest_sun=lowest_sun,
        spacing=spacing,
        height=height,
    )
    _check(question.is_of_days, {"--date": day, "--until": until, "--window": window})
    if until is not None and day is None:
        message = "--until needs --date, the first of the days; give both"
        raise WeatherError(message)
    if not FINEST <= spacing <= COARSEST:
        message = f"--spacing must be {FINEST:g}..{COARSEST:g} m, got {spacing:g}"
        raise GeometryError(message)
    if not 0.0 <= height <= 100.0:
        message = f"--height must be 0..100 m, got {height:g}"
        raise GeometryError(message)
    if tolerance is not None and not tolerance > 0.0:
        message = f"--tolerance must be above 0 min, got {tolerance:g}"
        raise WeatherError(message)
    if lowest_sun is not None and not 0.0 <= lowest_sun < 90.0:
        message = f"--lowest-sun must be 0 to 90 degrees, got {lowest_sun:g}"
        raise WeatherError(message)
    for path, endings in (
        (out, RASTERS if question.where is Where.GROUND else TABLES),
        (picture, (".png",)),
    ):
        if path is not None:
            check_ending(path, endings)
            if not path.parent.is_dir():
                message = f"{path} needs an existing folder; make {path.parent} first"
                raise OutputError(message)
    with Stages() as told:
        told("reading", 0.0)
        place = open_place(folder)
        found = measure_daylight(place, question, progress=told)
        told("writing", 1.0)
        if out is not None:
            _write(out, found)
        if picture is not None:
            from twin.daylight_map import draw_daylight

            draw_daylight(picture, found)
    record = daylight_record(found)
    record["files"] = [str(path) for path in (out, picture) if path is not None]
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False))
        return
    for line in daylight_lines(found):
        typer.echo(line)
    for note in found.notes:
        typer.echo(f"  note: {note}", err=True)
    for path in record["files"]:
        typer.echo(f"Written    {path}")


def daylight_record(found: "Daylight") -> dict[str, Any]:
    """Put an answer into plain values for JSON.

    Parameters
    ----------
    found : Daylight
        What was measured.
    """
    question = found.question
    record: dict[str, Any] = {
        "measure": question.measure.value,
        "where": question.where.value,
        "how": question.words,
        "column": found.column,
        "sensors": found.facets.sensor_count,
        "area_m2": round(float(found.weight.sum()), 1),
        "mean": round(found.mean, 4),
        "possible": round(found.possible, 4),
        "shares": {name: round(share, 4) for name, share in found.shares().items()},
        "share_ranges": {
            name: [round(share, 4) for share in both]
            for name, both in found.share_ranges().items()
        },
        "notes": list(found.notes),
        "credits": list(found.place.district.credits),
    }
    if question.is_of_days:
        record["largest_error_h"] = round(float(found.more["sun_hours_error"].max()), 4)
    if found.ground is None:
        table = found.building_table().round(4).reset_index()
        record["buildings"] = json.loads(table.to_json(orient="records"))
    return record


def daylight_lines(found: "Daylight") -> list[str]:
    """Lay an answer out as text.

    Parameters
    ----------
    found : Daylight
        What was measured.
    """
    question = found.question
    is_hours = question.is_of_days

    def tell(value: float) -> str:
        return f"{value:.1f} h" if is_hours else f"{value:.1%}"

    lines = [
        f"Daylight   {question.measure.value}: {question.words}",
        f"Area       {found.weight.sum():,.0f} m2, {found.facets.sensor_count:,} sensors",
        f"Mean       {tell(found.mean)} of {tell(found.possible)} on a free place",
    ]
    shares, ranges = found.shares(), found.share_ranges()
    for level in found.levels:
        least, most = ranges[level.name]
        within = f", {least:.1%} to {most:.1%} within the error" if is_hours else ""
        lines.append(
            f"Reached    {shares[level.name]:.1%} of the area has {tell(level.least)} "
            f"or more ({level.name}{within})"
        )
    if is_hours:
        error = 60 * float(found.more["sun_hours_error"].max())
        lines.append(
            f"Error      at most {error:.0f} min at a sensor, half a step for each edge"
        )
    if found.ground is None:
        table = found.building_table().sort_values(found.column)
        lines.append("Darkest    mean of the facades")
        for building, row in table.head(MOST_NAMED).iterrows():
            lines.append(
                f"  {tell(row[found.column]):>7}  {row['name'] or building} "
                f"({row['area_m2']:,.0f} m2)"
            )
        if len(table) > MOST_NAMED:
            lines.append(f"  and {len(table) - MOST_NAMED:,} more buildings")
    return lines


def _write(path: Path, found: "Daylight") -> None:
    """Write a raster, a map or a table."""
    from gis.files import atomic_path
    from gis.sources.geotiff import write_raster
    from gis.vector_files import write_map

    if found.ground is not None:
        grid = found.ground.grid
        write_raster(
            found.ground.raster(found.values),
            path,
            west=grid.west,
            north=grid.north,
            cell=grid.cell,
        )
    elif path.suffix.lower() == ".csv":
        with atomic_path(path) as temporary:
            found.facet_table().round(4).to_csv(temporary, lineterminator="\n")
    else:
        district = found.place.district
        schematic = ", schematic, not survey data" if district.schematic else ""
        about = {
            "title": f"{district.name}{schematic}",
            "source": f"{found.question.measure.value}: {found.question.words}",
            "credits": "; ".join(district.credits),
        }
        write_map(path, found.lines().reset_index(), layer="daylight", about=about)


def _one_of(word: str, known: tuple[str, ...], option: str) -> str:
    """Refuse a word that is none of the known ones."""
    if word not in known:
        message = f"{option} must be one of {', '.join(known)}, got {word}"
        raise WeatherError(message)
    return word


def _day(text: str | None, option: str) -> Any:  # noqa: ANN401 - a date or none
    """Read a day."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - no moment
    except ValueError as error:
        message = f"{option} must be a day such as 2026-03-20, got {text}"
        raise WeatherError(message) from error


def _window(text: str | None) -> tuple[float, float] | None:
    """Read hours of the clock."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,2})(?::(\d\d))?-(\d{1,2})(?::(\d\d))?", text)
    if found is None:
        message = f"--window must be hours such as 9-17 or 8:30-16, got {text}"
        raise WeatherError(message)
    h0, m0, h1, m1 = (int(part or 0) for part in found.groups())
    if max(m0, m1) > 59:
        message = f"--window must have at most 59 minutes in an hour, got {text}"
        raise WeatherError(message)
    return h0 + m0 / 60, h1 + m1 / 60


def _check(is_of_days: bool, given: dict[str, str | None]) -> None:  # noqa: FBT001
    """Refuse options that the measure does not heed."""
    useless = [name for name, text in given.items() if text is not None]
    if useless and not is_of_days:
        message = (
            f"{' and '.join(useless)} belong to sun-hours and en17037 only; leave them out"
        )
        raise WeatherError(message)
