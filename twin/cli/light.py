"""Light other people's city models on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.stages import Stages

READING = 0.1
"""Share of the work that reading the model is."""


def light(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="CityJSON 1.0 to 2.0 or CityJSONSeq, of any place."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Model to write: .city.json, or .city.jsonl if MODEL is CityJSONSeq.",
        ),
    ],
    weather: Annotated[
        Path | None,
        typer.Option(
            "--weather",
            help="Weather year of the place: CSV, EPW, PVGIS or SMHI. Default: the "
            "embedded year of Helsingborg, refused beyond 400 km.",
        ),
    ] = None,
    spacing: Annotated[
        float,
        typer.Option(
            "--spacing", help="Largest distance between sensors on roofs and walls [m]."
        ),
    ] = 1.0,
    lod: Annotated[
        str | None,
        typer.Option(
            "--lod", help="Level of detail, such as 2.2. Default: the highest of each."
        ),
    ] = None,
    latitude: Annotated[
        float | None,
        typer.Option("--latitude", help="Degrees north, where the model states no system."),
    ] = None,
    longitude: Annotated[
        float | None, typer.Option("--longitude", help="Degrees east, likewise.")
    ] = None,
    *,
    far_weather: Annotated[
        bool,
        typer.Option("--far-weather", help="Take weather of a place beyond 400 km."),
    ] = False,
    shade_of_all: Annotated[
        bool,
        typer.Option(
            "--shade-of-all", help="Ground, water and plants of the model shade too; slow."
        ),
    ] = False,
    split: Annotated[
        bool,
        typer.Option(
            "--split",
            help="Give each face its own surface where several share one.",
        ),
    ] = False,
) -> None:
    """Light the city model of any place for a year and write it again.

    Buildings get attributes of the light of their roofs and walls, surfaces theirs; all
    else stays as it was. The sun is that of the model's own place.

    Example: heidi light delft.city.json --weather delft.epw --out delft-lit.city.json
    """
    from gis.errors import GeometryError, OutputError
    from gis.files import check_ending
    from gis.sources.weather_files import read_weather
    from gis.typical_year import typical_year
    from meshes.formats.cityjson_read import read_city_model
    from meshes.formats.cityjson_write import write_city_model
    from twin.cli.build import COARSEST, FINEST
    from twin.foreign_light import foreign_lines, light_foreign

    check_ending(out, (".json", ".jsonl"))
    if not FINEST <= spacing <= COARSEST:
        message = (
            f"--spacing must be {FINEST:g}..{COARSEST:g} m, got {spacing:g}; 1 m suits "
            "a district"
        )
        raise GeometryError(message)
    if out.exists() and model.exists() and out.samefile(model):
        message = f"--out must not be the model itself, got {out}; choose another name"
        raise OutputError(message)
    if not out.parent.is_dir():
        message = f"--out needs an existing folder, {out.parent} is none; make it first"
        raise OutputError(message)
    with Stages() as told:
        told("reading", 0.0)
        read = read_city_model(model, lod=lod)
        by_lines = len(read.documents) > 1
        if by_lines != (out.suffix.lower() == ".jsonl"):
            kind, ending = ("Seq", ".jsonl") if by_lines else ("", ".json")
            message = (
                f"{model.name} is CityJSON{kind} and stays so: --out must end in {ending}, "
                f"got {out.name}"
            )
            raise OutputError(message)
        year = typical_year() if weather is None else read_weather(weather)
        lit = light_foreign(
            read,
            year,
            spacing=spacing,
            latitude=latitude,
            longitude=longitude,
            far=far_weather,
            shade_of_all=shade_of_all,
            progress=lambda text, share: told(text, READING + (1 - READING) * share),
        )
        told("writing", 1.0)
        write_city_model(out, read, lit.results, split=split)
    if weather is None:
        typer.echo(
            "  note: no --weather given: the year is the embedded one of Helsingborg",
            err=True,
        )
    for note in lit.notes:
        typer.echo(f"  note: {note}", err=True)
    for line in foreign_lines(lit):
        typer.echo(line)
    typer.echo(f"Written    {out} ({out.stat().st_size / 1e6:,.1f} MB)")
