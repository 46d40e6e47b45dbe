"""Offer the twin on the command line."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from gis.assemble import read_district
from gis.district import District
from gis.errors import GeometryError, HeidiError
from gis.heidi import heidi_district
from gis.sources.weather_files import read_weather
from gis.typical_year import typical_year
from gis.weather import Weather
from twin.build import build as build_twin
from twin.folder import check_folder, write_twin
from twin.summary import summary_lines

FINEST, COARSEST = 0.1, 20.0
"""Sensor spacings that make sense on buildings [m]."""

app = typer.Typer(
    help="Digital twin of the Helsingborg Innovation District.",
    epilog="Start with: heidi demo --out heidi-demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

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
        help="Weather year: CSV of hours (GHI, DNI, DHI, air temperature), EPW or PVGIS "
        "tmy JSON. Default: the embedded typical year of the district.",
    ),
]


@app.callback()
def heidi() -> None:
    """Build, light and question a city district."""


@app.command()
def demo(
    out: Out = Path("heidi-demo"),
    spacing: Spacing = 1.0,
    *,
    stills: Stills = True,
) -> None:
    """Build the embedded schematic district and show its sun.

    Example: heidi demo --out heidi-demo
    """
    _run(lambda: (heidi_district(), typical_year()), out, spacing, stills=stills)


@app.command()
def build(
    buildings: Annotated[
        Path,
        typer.Option(
            "--buildings",
            help="Building outlines with heights: GeoPackage, GeoJSON, Shapefile, ...",
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
    read: Callable[[], tuple[District, Weather]],
    out: Path,
    spacing: float,
    *,
    stills: bool,
    inputs: Sequence[Path | None] = (),
) -> None:
    """Read, build, write and sum up."""
    if not FINEST <= spacing <= COARSEST:
        message = (
            f"sensor spacing must be {FINEST:g}..{COARSEST:g} m, got {spacing:g} m; "
            "1 m suits a district"
        )
        raise GeometryError(message)
    check_folder(out, [path for path in inputs if path is not None])
    with _Stages() as told:
        told("reading", 0.0)
        district, weather = read()
        built = build_twin(district, weather, spacing=spacing, progress=told)
        written = write_twin(built, out, stills=stills, progress=told)
    for note in (*built.district.notes, *built.weather.notes):
        typer.echo(f"  note: {note}", err=True)
    for line in summary_lines(built, written):
        typer.echo(" ".join(line.splitlines()))


class _Stages:
    """Show what is being done: a bar on a terminal, a line a stage elsewhere."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._stage = ""
        self._live = console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not self._live,
        )
        self._task = TaskID(0)

    def __enter__(self) -> "_Stages":
        """Start showing."""
        self._bar.start()
        self._task = self._bar.add_task("", total=1.0)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing."""
        self._bar.stop()

    def __call__(self, text: str, share: float) -> None:
        """Show a stage and how far it is."""
        if not self._live and text != self._stage:
            typer.echo(f"  {text}", err=True)
        self._stage = text
        self._bar.update(self._task, description=text, completed=share)


def main() -> None:
    """Run the command line; what the user can mend becomes one line and exit code 2."""
    try:
        app()
    except HeidiError as error:
        typer.echo(f"heidi: {' '.join(str(error).split())}", err=True)
        sys.exit(2)
