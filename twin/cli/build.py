"""Build twins on the command line."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis.errors import GeometryError, TableError
from twin.cli.stages import Stages

if TYPE_CHECKING:
    from gis.district import District
    from gis.weather import Weather
    from twin.reflectances import Reflectances

FINEST, COARSEST = 0.1, 20.0
"""Sensor spacings that make sense on buildings [m]."""

FIRST_YEAR, LAST_YEAR = 1900, 2100
"""Years in which something can have been surveyed."""

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
TreesShade = Annotated[
    bool,
    typer.Option(
        "--trees-shade/--no-trees-shade",
        help="Let trees shade as porous crowns, month by month.",
    ),
]
Weathers = Annotated[
    Path | None,
    typer.Option(
        "--weather",
        help="Weather year: CSV of hours (GHI, DNI, DHI, air temperature), EPW, PVGIS or "
        "SMHI, or a folder of files. Default: the embedded typical year of the district.",
    ),
]


Albedo = Annotated[
    str | None,
    typer.Option(
        "--albedo",
        help="Reflectance of the ground: a share, twelve of them (January first, with "
        "commas) or a material, such as asphalt. Default: 0.2.",
    ),
]
Snow = Annotated[
    str | None,
    typer.Option(
        "--snow",
        help="Share of each month with snow on the ground: 'skane' or twelve numbers. "
        "Default: no snow.",
    ),
]
Reflecting = Annotated[
    list[str] | None,
    typer.Option(
        "--reflectance",
        metavar="KIND=VALUE",
        help="Reflectance of wall, roof or ground: a share or a material, such as "
        "wall='red brick'; may be given for each. Default: 0.2.",
    ),
]


def demo(
    out: Out = Path("heidi-demo"),
    spacing: Spacing = 1.0,
    albedo: Albedo = None,
    snow: Snow = None,
    reflectance: Reflecting = None,
    *,
    trees_shade: TreesShade = True,
    stills: Stills = True,
) -> None:
    """Build the embedded schematic district and show its sun.

    Example: heidi demo --out heidi-demo
    """
    from gis.heidi import heidi_district
    from gis.typical_year import typical_year
    from twin.reflectances import read_reflectances

    _run(
        lambda: (heidi_district(), typical_year()),
        out,
        spacing,
        stills=stills,
        trees=trees_shade,
        reflectances=read_reflectances(albedo, snow, reflectance or ()),
    )


def build(
    buildings: Annotated[
        Path,
        typer.Option(
            "--buildings",
            help="Building outlines with or without heights: OpenStreetMap, Lantmäteriet, "
            "Overture, CityJSON, GeoPackage, Shapefile, ...",
        ),
    ],
    out: Out,
    terrain: Annotated[
        Path | None,
        typer.Option(
            "--terrain",
            help="Elevation raster in metres (GeoTIFF). Default: ground points of the "
            "cloud, else level.",
        ),
    ] = None,
    water: Annotated[
        Path | None,
        typer.Option("--water", help="Water areas; with a column 'kind' its rows 'water'."),
    ] = None,
    surface: Annotated[
        Path | None,
        typer.Option(
            "--surface", help="Surface model (GeoTIFF, metres RH2000): heights of roofs."
        ),
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(
            "--points",
            help="Point cloud (LAS, LAZ, COPC) or a folder of tiles: heights, eaves and "
            "ridges of roofs, and trees.",
        ),
    ] = None,
    heights: Annotated[
        Path | None,
        typer.Option(
            "--heights",
            help="Heights, storeys or years of building that somebody answers for (CSV or "
            "vector file with their source); heights come first, and surveys older than a "
            "house are not believed.",
        ),
    ] = None,
    buildings_year: Annotated[
        int | None,
        typer.Option("--buildings-year", help="Year of the survey behind their heights."),
    ] = None,
    surface_year: Annotated[
        int | None, typer.Option("--surface-year", help="Year of the surface model.")
    ] = None,
    points_year: Annotated[
        int | None,
        typer.Option("--points-year", help="Year of the flight. Default: by the files."),
    ] = None,
    ceiling: Annotated[
        float | None,
        typer.Option(
            "--ceiling", help="Level above which the survey was cut off [m RH2000]."
        ),
    ] = None,
    trees: Annotated[
        Path | None, typer.Option("--trees", help="Trees (CSV or vector file).")
    ] = None,
    bridges: Annotated[
        Path | None,
        typer.Option(
            "--bridges", help="Bridges (features tagged bridge=yes), laid over the ground."
        ),
    ] = None,
    passages: Annotated[
        Path | None,
        typer.Option(
            "--passages",
            help="Ways or areas that lead through buildings (with a column 'tunnel' its "
            "rows 'building_passage'). Default: those in the file of the buildings.",
        ),
    ] = None,
    parapet: Annotated[
        float | None,
        typer.Option(
            "--parapet",
            help="Height of parapets of flat roofs of which the file tells nothing [m]. "
            "Default: none.",
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", help="Plan rules (vector file), for siting new buildings."),
    ] = None,
    boundary: Annotated[
        Path | None,
        typer.Option(
            "--boundary",
            help="Recipe of the district's boundary (TOML, see docs/footprints.md). "
            "Default: all buildings belong to it.",
        ),
    ] = None,
    weather: Weathers = None,
    horizon: Annotated[
        Path | None,
        typer.Option(
            "--horizon",
            help="Far land: elevation raster (GeoTIFF) of the land around, CSV of 'heidi "
            "ground horizon', or JSON of PVGIS' horizon. Default: none.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the district. Default: recipe or file name."),
    ] = None,
    ids_from: Annotated[
        Path | None,
        typer.Option(
            "--ids-from",
            help="Earlier twin whose buildings keep their identities. Default: the one "
            "that was in --out, where it stands on the same ground.",
        ),
    ] = None,
    spacing: Spacing = 1.0,
    albedo: Albedo = None,
    snow: Snow = None,
    reflectance: Reflecting = None,
    reflectance_column: Annotated[
        list[str] | None,
        typer.Option(
            "--reflectance-column",
            metavar="KIND=COLUMN",
            help="Column of the buildings' file with the material, or share, of each "
            "building's wall or roof, such as roof=roof:material.",
        ),
    ] = None,
    *,
    new_ids: Annotated[
        bool,
        typer.Option("--new-ids", help="Keep no identities of a twin in --out."),
    ] = False,
    trees_shade: TreesShade = True,
    stills: Stills = True,
) -> None:
    """Build a twin from your own data.

    Outlines are repaired where possible; of several heights the best known is taken, and
    disagreement is told. Every repair, choice and assumption is listed by 'heidi check'.

    Example: heidi build --buildings houses.gpkg --terrain dtm.tif --surface dsm.tif
    --heights published.csv --out my-twin
    """
    from gis.assemble import Sources, assemble_district
    from gis.sources.weather_files import read_weather
    from gis.typical_year import typical_year
    from twin.earlier import earlier_twin
    from twin.reflectances import OF_PARTS, read_pairs, read_reflectances, tell_parts
    from twin.survey_roofs import fit_district

    sources = Sources(
        buildings,
        buildings_year=_checked_year(buildings_year, "--buildings-year"),
        terrain=terrain,
        water=water,
        surface=surface,
        surface_year=_checked_year(surface_year, "--surface-year"),
        points=points,
        points_year=_checked_year(points_year, "--points-year"),
        ceiling=ceiling,
        heights=heights,
        trees=trees,
        bridges=bridges,
        passages=passages,
        parapet=parapet,
        plan=plan,
        boundary=boundary,
    )
    if new_ids and ids_from is not None:
        message = (
            "identities are either kept or new; give --ids-from or --new-ids, not both"
        )
        raise TableError(message)
    for option, given, needed in (
        ("--surface-year", surface_year, surface),
        ("--points-year", points_year, points),
    ):
        if given is not None and needed is None:
            message = f"{option} tells of {option[:-5]}, which is not given; add or drop it"
            raise TableError(message)
    if ceiling is not None and not math.isfinite(ceiling):
        message = f"--ceiling must be a level in metres, got {ceiling}"
        raise TableError(message)
    told_surfaces = read_reflectances(albedo, snow, reflectance or ())
    columns = read_pairs(
        reflectance_column or (), "--reflectance-column", "roof=roof:material", OF_PARTS
    )
    note = ""
    if not new_ids:
        previous, note = earlier_twin(out, ids_from)
        sources = replace(sources, previous=previous)

    def read() -> "tuple[District, Weather]":
        district = fit_district(
            assemble_district(sources, name=name), points=points, surface=surface
        )
        told = replace(district, notes=(*district.notes, note)) if note else district
        return told, typical_year() if weather is None else read_weather(weather)

    _run(
        read,
        out,
        spacing,
        stills=stills,
        inputs=(*sources.files, weather, horizon),
        trees=trees_shade,
        horizon=horizon,
        reflectances=told_surfaces,
        tell=(
            lambda base, district: tell_parts(base, district.buildings, buildings, columns)
        )
        if columns
        else None,
    )


def _checked_year(year: int | None, option: str) -> int | None:
    """Refuse years in which nothing can have been surveyed."""
    if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
        message = f"{option} must be {FIRST_YEAR}..{LAST_YEAR}, got {year}"
        raise TableError(message)
    return year


def _run(
    read: Callable[[], "tuple[District, Weather]"],
    out: Path,
    spacing: float,
    *,
    stills: bool,
    inputs: Sequence[Path | None] = (),
    trees: bool = False,
    horizon: Path | None = None,
    reflectances: "Reflectances | None" = None,
    tell: "Callable[[Reflectances, District], Reflectances] | None" = None,
) -> None:
    """Read, build, write and sum up; ``tell`` adds what single buildings reflect."""
    from twin.build import build as build_twin
    from twin.folder import check_folder, write_twin
    from twin.horizon_file import find_horizon
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
        land = None
        if horizon is not None:
            land, notes = find_horizon(horizon, district)
            district = replace(district, notes=(*district.notes, *notes))
        if reflectances is not None and tell is not None:
            reflectances = tell(reflectances, district)
        built = build_twin(
            district,
            weather,
            spacing=spacing,
            trees=trees,
            horizon=land,
            reflectances=reflectances,
            progress=told,
        )
        written = write_twin(built, out, stills=stills, progress=told)
    for note in (
        *built.district.notes,
        *built.roofs.notes,
        *built.reflectances.notes,
        *built.weather.notes,
    ):
        typer.echo(f"  note: {note}", err=True)
    for line in summary_lines(built, written):
        typer.echo(" ".join(line.splitlines()))
