"""Build twins on the command line."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis.errors import GeometryError
from twin.cli.stages import Stages

if TYPE_CHECKING:
    from gis.district import District
    from gis.weather import Weather

FINEST, COARSEST = 0.1, 20.0
"""Sensor spacings that make sense on buildings [m]."""

Out = Annotated[
    Path, typer.Option("--out", help="Folder for the results; made if missing.")
]
Spacing = Annotated[
    float,
    typer.Option(
        "--spacing", help="Largest distance between sensors on roofs and walls [m]."
    ),
]
Stills = Annotated[
    bool, typer.Option("--stills/--no-stills", help="Draw the pictures, the slowest part.")
]
Weathers = Annotated[
    Path | None,
    typer.Option(
        "--weather",
        help="Weather year: CSV of hours (GHI, DNI, DHI, air temperature), EPW, PVGIS or "
        "SMHI, or a folder of files. Default: the embedded typical year of the district.",
    ),
]


def demo(
    out: Out = Path("heidi-demo"),
    spacing: Spacing = 1.0,
    *,
    stills: Stills = True,
) -> None:
    """Build the embedded schematic district and show its sun.

    Example: heidi demo --out heidi-demo
    """
    from gis.heidi import heidi_district
    from gis.typical_year import typical_year

    _run(lambda: (heidi_district(), typical_year()), out, spacing, stills=stills)


def build(
    buildings: Annotated[
        Path,
        typer.Option(
            "--buildings",
            help="Building outlines with heights: OpenStreetMap, Lantmäteriet, Overture, "
            "CityJSON, GeoPackage, Shapefile, ...",
        ),
    ],
    out: Out,
    terrain: Annotated[
        Path | None,
        typer.Option(
            "--terrain", help="Elevation raster in metres (GeoTIFF). Default: level."
        ),
    ] = None,
    water: Annotated[
        Path | None,
        typer.Option("--water", help="Water areas; with a column 'kind' its rows 'water'."),
    ] = None,
    weather: Weathers = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the district; default: file name.")
    ] = None,
    spacing: Spacing = 1.0,
    *,
    stills: Stills = True,
) -> None:
    """Build a twin from your own data.

    Outlines and heights are repaired where possible and every repair is counted in the
    report; what cannot be used is refused in one line.

    Example: heidi build --buildings houses.gpkg --terrain dtm.tif --out my-twin
    """
    from gis.assemble import read_district
    from gis.sources.weather_files import read_weather
    from gis.typical_year import typical_year

    _run(
        lambda: (
            read_district(buildings, terrain, water=water, name=name),
            typical_year() if weather is None else read_weather(weather),
        ),
        out,
        spacing,
        stills=stills,
        inputs=(buildings, terrain, water, weather),
    )


def _run(
    read: Callable[[], "tuple[District, Weather]"],
    out: Path,
    spacing: float,
    *,
    stills: bool,
    inputs: Sequence[Path | None] = (),
) -> None:
    """Read, build, write and sum up."""
    from twin.build import build as build_twin
    from twin.folder import check_folder, write_twin
    from twin.summary import summary_lines

    if not FINEST <= spacing <= COARSEST:
        message = (
            f"sensor spacing must be {FINEST:g}..{COARSEST:g} m, got {spacing:g} m; "
            "1 m suits a district"
        )
        raise GeometryError(message)
    check_folder(out, [path for path in inputs if path is not None])
    with Stages() as told:
        told("reading", 0.0)
        district, weather = read()
        built = build_twin(district, weather, spacing=spacing, progress=told)
        written = write_twin(built, out, stills=stills, progress=told)
    for note in (*built.district.notes, *built.weather.notes):
        typer.echo(f"  note: {note}", err=True)
    for line in summary_lines(built, written):
        typer.echo(" ".join(line.splitlines()))
