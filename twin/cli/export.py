"""Write a twin's model for other tools on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.stages import Stages

if TYPE_CHECKING:
    from twin.build import Built

OPENING = 0.6
"""Share of the work that opening the twin is."""

export_app = typer.Typer(
    help="Write the 3D model of a twin for other tools.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Twin folder, as heidi build writes it.")
]
Ground = Annotated[
    bool, typer.Option("--ground/--no-ground", help="Ground, water and trees as well.")
]


@export_app.command()
def gltf(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="File to write, ends in .glb.")],
    look: Annotated[
        str,
        typer.Option(
            "--look",
            help="facets: a colour of light for each roof and wall; sensors: for each "
            "sensor; plain: white.",
        ),
    ] = "facets",
    *,
    ground: Ground = True,
) -> None:
    """Write one glTF 2.0 file, for viewers, presentations and game engines.

    Every roof and wall carries its id, its light and its building (EXT_mesh_features).

    Example: heidi export gltf heidi-demo --out heidi.glb
    """
    from gis.errors import OutputError
    from twin.exporting import Look, export_gltf

    if look not in list(Look):
        message = f"--look must be one of {', '.join(Look)}, got {look}"
        raise OutputError(message)
    with Stages() as told:
        built = _open(folder, told)
        told("writing", OPENING)
        export_gltf(built, out, look=Look(look), with_ground=ground)
    _tell(out, built)


@export_app.command()
def tiles(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the tileset into.")],
    geoid: Annotated[
        float | None,
        typer.Option(
            "--geoid",
            help="Height of RH2000's zero above the ellipsoid at the district [m]. "
            "Default: 36.46 (EGM96 at Helsingborg, good to some decimetres).",
        ),
    ] = None,
    *,
    ground: Ground = True,
) -> None:
    """Write 3D Tiles 1.1, for globes such as Cesium.

    Example: heidi export tiles heidi-demo --out heidi-tiles
    """
    from meshes.formats.ellipsoid import HELSINGBORG_GEOID
    from twin.exporting import export_tiles

    with Stages() as told:
        built = _open(folder, told)
        told("writing", OPENING)
        height = HELSINGBORG_GEOID if geoid is None else geoid
        export_tiles(built, out, geoid=height, with_ground=ground)
    _tell(out, built)


@export_app.command()
def cityjson(
    folder: Folder,
    out: Annotated[
        Path,
        typer.Option("--out", help="File to write: .city.json, or .city.jsonl by lines."),
    ],
    *,
    ground: Ground = True,
) -> None:
    """Write CityJSON 2.0 with light and solar power on buildings and surfaces.

    Ground is written as TINRelief, water as WaterBody, each tree as
    SolitaryVegetationObject; --no-ground writes buildings alone.

    Example: heidi export cityjson heidi-demo --out heidi.city.jsonl
    """
    from twin.exporting import export_cityjson

    with Stages() as told:
        built = _open(folder, told)
        told("writing", OPENING)
        export_cityjson(built, out, with_ground=ground)
    _tell(out, built)


@export_app.command()
def mesh(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="File to write: .obj, .ply or .stl.")],
) -> None:
    """Write the buildings as a plain mesh; OBJ and PLY carry the light as colour.

    Example: heidi export mesh heidi-demo --out heidi.ply
    """
    from twin.exporting import export_mesh

    with Stages() as told:
        built = _open(folder, told)
        told("writing", OPENING)
        export_mesh(built, out)
    _tell(out, built)


@export_app.command("print")
def print_(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="Folder for the tiles.")],
    scale: Annotated[
        float, typer.Option("--scale", help="One to so many; 2000 is 0.5 mm a metre.")
    ] = 2000.0,
    bed: Annotated[
        tuple[float, float], typer.Option("--bed", help="Width and depth of a tile [mm].")
    ] = (200.0, 200.0),
    wall: Annotated[
        float, typer.Option("--wall", help="Least thickness of walls [mm].")
    ] = 0.8,
) -> None:
    """Write watertight tiles for a 3D printer (3MF and STL), with plinth and water.

    Needs the extra "print": make extras brings it.

    Example: heidi export print heidi-demo --out heidi-print --scale 2000
    """
    from gis.errors import GeometryError
    from twin.exporting import export_print

    if not 100.0 <= scale <= 100_000.0:
        message = f"--scale must be 100..100000 (one to so many), got {scale:g}"
        raise GeometryError(message)
    with Stages() as told:
        built = _open(folder, told)
        told("writing", OPENING)
        model = export_print(built, out, scale=1.0 / scale, bed=bed, wall=wall)
    for note in model.notes:
        typer.echo(f"  note: {note}", err=True)
    typer.echo(f"tiles: {len(model.tiles)}, one to {scale:g}")
    _tell(out, built)


def _open(folder: Path, told: Stages) -> "Built":
    """Open the twin, telling how far it is."""
    from twin.reopen import open_twin

    return open_twin(folder, progress=lambda text, share: told(text, OPENING * share))


def _tell(out: Path, built: "Built") -> None:
    """Say what was written and whom to name."""
    files = [p for p in out.rglob("*") if p.is_file()] if out.is_dir() else [out]
    size = sum(p.stat().st_size for p in files) / 1e6
    count = f"{len(files)} files, " if out.is_dir() else ""
    typer.echo(f"written: {out} ({count}{size:,.1f} MB)")
    typer.echo(f"credit: {'; '.join(built.district.credits)}")
