"""Ask about the ground of a twin on the command line: floods, slopes, covers, horizons."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twin.quality_files import Files

ground_app = typer.Typer(
    help="Ask about ground and water: floods, slopes, ground classes, far horizons.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

MOST_NAMED = 12
"""Buildings that are named on the screen."""

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Twin folder, as heidi build writes it.")
]
Map = Annotated[Path | None, typer.Option("--out", help="Map to write: .geojson or .gpkg.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@ground_app.command()
def flood(
    folder: Folder,
    level: Annotated[
        float, typer.Option("--level", help="Level of the water [m RH2000].")
    ] = 3.5,
    out: Map = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Let the sea rise to a level and tell which ground and buildings it reaches.

    A still surface: no waves, no pipes. Low ground that higher ground cuts off is told
    apart. The default is Helsingborg's least level for new buildings, +3.5 m.

    Example: heidi ground flood heidi-demo --level 2.5 --out flood.gpkg
    """
    from gis.files import check_ending
    from gis.flood import flood_at, flooded_buildings
    from gis.vector_files import ENDINGS, write_map

    if out is not None:
        check_ending(out, ENDINGS)
    files = _read(folder)
    found = flood_at(files.terrain, files.layers.water, level=level)
    wet = flooded_buildings(found, files.terrain, files.buildings)
    wet = wet.join(files.buildings[["building", "name"]])
    is_reached = wet["reach"] == "connected"
    record = {
        "level_m_rh2000": level,
        "land_m2": found.area,
        "volume_m3": found.volume,
        "enclosed_m2": found.enclosed_area,
        "buildings": int(wet.loc[is_reached, "building"].nunique()),
        "buildings_enclosed": int(wet.loc[~is_reached, "building"].nunique()),
        "parts": json.loads(wet.round(3).reset_index().to_json(orient="records")),
        "how": found.words,
        "credits": files.description["twin"]["credits"],
    }
    if out is not None:
        write_map(out, found.outlines, layer="flood", about=_about(files, found.words))
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1))
        return
    typer.echo(f"Flood at {level:+.2f} m RH2000")
    typer.echo(
        f"Land       {found.area:,.0f} m2 reached by the water, {found.volume:,.0f} m3"
    )
    typer.echo(f"Enclosed   {found.enclosed_area:,.0f} m2 as low, but cut off")
    typer.echo(
        f"Buildings  {record['buildings']:,} stand on such ground, "
        f"{record['buildings_enclosed']:,} more on enclosed"
    )
    deepest = wet.sort_values("depth", ascending=False)
    for part, row in deepest.head(MOST_NAMED).iterrows():
        name = row["name"] or part
        typer.echo(f"  {row['depth']:5.2f} m  {name} ({row['reach']}, {row['share']:.0%})")
    if len(deepest) > MOST_NAMED:
        typer.echo(f"  and {len(deepest) - MOST_NAMED:,} more parts")
    typer.echo(f"How        {found.words}")
    _tell(out)


@ground_app.command()
def slope(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="GeoTIFF to write: slope in degrees.")],
    aspect: Annotated[
        Path | None,
        typer.Option("--aspect", help="GeoTIFF as well: where water runs to, degrees."),
    ] = None,
) -> None:
    """Write how steep the ground is, and which way it falls.

    Example: heidi ground slope heidi-demo --out slope.tif --aspect aspect.tif
    """
    import numpy as np

    from gis.files import check_ending
    from gis.slope import slope_and_aspect
    from gis.sources.geotiff import write_raster

    for path in (out, aspect):
        if path is not None:
            check_ending(path, (".tif", ".tiff"))
    files = _read(folder)
    grid = files.terrain.grid
    steep, falls = slope_and_aspect(files.terrain)
    place = {"west": grid.west, "north": grid.north, "cell": grid.cell}
    write_raster(steep, out, **place)
    if aspect is not None:
        write_raster(falls, aspect, **place)
    middle, high = np.quantile(steep, [0.5, 0.95])
    typer.echo(f"slope: median {middle:.1f} degrees, 95 % below {high:.1f} degrees")
    _tell(out, aspect)


@ground_app.command()
def cover(
    folder: Folder,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Areas of ground: OpenStreetMap, Lantmäteriet or a column."
        ),
    ],
    column: Annotated[
        str | None, typer.Option("--column", help="Column that names the class.")
    ] = None,
    out: Map = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Divide the district's ground among classes, each with its albedo.

    Example: heidi ground cover my-twin landuse.gpkg --out ground.gpkg
    """
    from gis.files import check_ending
    from gis.landcover import divide_ground, mean_albedo, read_landcover
    from gis.vector_files import ENDINGS, write_map

    if out is not None:
        check_ending(out, ENDINGS)
    files = _read(folder)
    covers, notes = read_landcover(source, column=column)
    ground, told = divide_ground(covers, files.layers.boundary)
    areas = ground.area.groupby(ground["class"]).sum().sort_values(ascending=False)
    albedo = mean_albedo(ground)
    if out is not None:
        write_map(out, ground, layer="ground", about=_about(files, source.name))
    if as_json:
        record = {"areas_m2": areas.to_dict(), "mean_albedo": albedo,
                  "notes": [*notes, *told]}  # fmt: skip
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1))
        return
    for name, area in areas.items():
        typer.echo(f"{name:<14} {area:12,.0f} m2  {area / areas.sum():6.1%}")
    typer.echo(f"mean albedo without buildings {albedo:.2f}")
    for note in (*notes, *told):
        typer.echo(f"  note: {note}", err=True)
    _tell(out)


@ground_app.command()
def shore(folder: Folder, out: Map = None) -> None:
    """Tell how long and how high the quays, steps and slopes of the shore are.

    Example: heidi ground shore heidi-demo --out shore.gpkg
    """
    from gis.files import check_ending
    from gis.shore import shore_stretches
    from gis.vector_files import ENDINGS, write_map

    if out is not None:
        check_ending(out, ENDINGS)
    files = _read(folder)
    level = float(files.description["frame"]["water_level_m"])
    stretches, notes = shore_stretches(files.terrain, files.layers.water, level=level)
    if out is not None:
        write_map(out, stretches, layer="shore", about=_about(files, "shoreline"))
    typer.echo(f"shore at {level:+.2f} m RH2000")
    for kind, some in stretches.groupby("kind"):
        length = some.length
        level_of = float((some["level"] * length).sum() / length.sum())
        typer.echo(
            f"  {kind:<6} {length.sum():8,.0f} m, land at {level_of:+.1f} m on average"
        )
    for note in notes:
        typer.echo(f"  note: {note}", err=True)
    _tell(out)


@ground_app.command()
def horizon(
    folder: Folder,
    rasters: Annotated[
        list[Path],
        typer.Argument(metavar="DEM...", help="Elevation rasters of the land around."),
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV to write.")],
    farthest: Annotated[
        float, typer.Option("--farthest", help="How far to look [km].")
    ] = 100.0,
) -> None:
    """Write the far horizon seen from the middle of the district, with Earth's curvature.

    Azimuths are from true north. Rasters are read by windows along the lines of sight.

    Example: heidi ground horizon heidi-demo dem.tif --out horizon.csv
    """
    import pandas as pd

    from gis.far_horizon import Sight, far_horizon
    from gis.files import atomic_path, check_ending

    check_ending(out, (".csv",))
    files = _read(folder)
    middle = files.layers.boundary.centroid
    line, notes = far_horizon(
        rasters,
        easting=middle.x,
        northing=middle.y,
        sight=Sight(farthest=farthest * 1000.0),
    )
    table = pd.DataFrame(
        {"azimuth_deg": line.azimuths, "elevation_deg": line.elevations.round(4)}
    )
    with atomic_path(out) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    highest = int(line.elevations.argmax())
    typer.echo(
        f"highest {line.elevations[highest]:.2f} degrees at azimuth "
        f"{line.azimuths[highest]:.0f} degrees; mean {line.elevations.mean():.2f} degrees"
    )
    for note in notes:
        typer.echo(f"  note: {note}", err=True)
    _tell(out)


def _read(folder: Path) -> "Files":
    """Read the twin without its light."""
    from twin.quality_files import read_files

    return read_files(folder)


def _about(files: "Files", source: str) -> dict[str, str]:
    """Title, source and whom to name, for a map."""
    twin = files.description["twin"]
    schematic = ", schematic, not survey data" if twin["schematic"] else ""
    return {
        "title": f"{twin['name']}{schematic}",
        "source": source,
        "credits": "; ".join(twin["credits"]),
    }


def _tell(*paths: Path | None) -> None:
    """Say what was written."""
    for path in paths:
        if path is not None:
            typer.echo(f"written: {path}")
