"""Lay solar modules and collectors on a twin on the command line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.stages import Stages

if TYPE_CHECKING:
    from twin.modules import Modules

ROWS = ("south", "east-west")
COLLECTORS = ("flat-plate", "large-flat-plate", "evacuated-tube")
MOST_NAMED = 5
"""Roofs and facades that are named on the screen."""

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Twin folder, as heidi build writes it.")
]
Building = Annotated[
    str | None, typer.Option("--building", help="Only this building's id.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


def modules(
    folder: Folder,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Outlines of all modules: .gpkg or .geojson."),
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option("--costs", help="Roofs and facades by cost, best first: .csv."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Cost curve: .png.")
    ] = None,
    building: Building = None,
    rows: Annotated[
        str, typer.Option("--rows", help="Rows on flat roofs: south or east-west.")
    ] = "south",
    tilt: Annotated[
        float | None, typer.Option("--tilt", help="Tilt of these rows [degrees].")
    ] = None,
    *,
    no_yield: Annotated[
        bool, typer.Option("--no-yield", help="Lay modules only; takes seconds.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Lay solar modules one by one and tell what they yield and cost.

    On roofs with set-backs, flush on pitched ones, in rows on flat ones; on facades. The
    year is computed string by string, with shade and what modules in series lose.

    Example: heidi modules heidi-demo --out modules.gpkg --costs costs.csv
    """
    from dataclasses import replace

    from matplotlib.figure import Figure

    from gis.errors import GeometryError
    from gis.files import atomic_path, check_ending
    from meshes.solar.power.layout import Facing, Mounting
    from meshes.solar.power.module_tables import write_modules
    from twin.modules import place_modules
    from twin.reopen import open_twin

    for path, endings in (
        (out, (".gpkg", ".geojson")),
        (costs, (".csv",)),
        (picture, (".png",)),
    ):
        if path is not None:
            check_ending(path, endings)
    if rows not in ROWS:
        message = f"--rows must be one of {', '.join(ROWS)}, got {rows!r}"
        raise GeometryError(message)
    if no_yield and (costs or picture):
        message = "--costs and --picture need the yield; leave out --no-yield"
        raise GeometryError(message)
    mounting = Mounting(facing=Facing(rows))
    if tilt is not None:
        mounting = replace(mounting, tilt=tilt)
    with Stages() as told:
        built = open_twin(folder, progress=told)
        found = place_modules(
            built,
            building=building,
            mounting=mounting,
            yields=not no_yield,
            progress=told,
        )
    curve = None if found.arrays is None else found.costs()
    if out is not None:
        write_modules(out, found.layout)
    if costs is not None and curve is not None:
        with atomic_path(costs) as temporary:
            curve.round(4).to_csv(temporary, lineterminator="\n")
    if picture is not None and curve is not None:
        from meshes.solar.power.pictures import draw_cost_curve

        figure = draw_cost_curve(curve).figure
        assert isinstance(figure, Figure)
        with atomic_path(picture) as temporary:
            figure.savefig(temporary, format="png", dpi=150)
    if as_json:
        typer.echo(json.dumps(_record(found), ensure_ascii=False, indent=1))
        return
    for line in _lines(found):
        typer.echo(line)
    for path in (out, costs, picture):
        if path is not None and path.exists():
            typer.echo(f"Written    {path}")


def _record(found: "Modules") -> dict[str, object]:
    """Return the sums."""
    record: dict[str, object] = {
        "modules": len(found.layout),
        "kwp": round(found.power, 3),
    }
    if found.arrays is not None:
        curve = found.costs()
        record |= {
            "kwh_a_year": round(float(found.arrays.energy.sum()), 1),
            "kwh_per_kwp": round(found.arrays.specific, 1),
            "shading_loss": round(found.arrays.shading_loss, 4),
            "mismatch_loss": round(found.arrays.mismatch_loss, 4),
            "best": json.loads(
                curve.head(MOST_NAMED).reset_index().round(3).to_json(orient="records")
            ),
        }
    return record


def _lines(found: "Modules") -> list[str]:
    """Tell the sums."""
    lines = [f"Modules    {len(found.layout):,} of {found.power:,.0f} kWp in all"]
    if found.arrays is None:
        return lines
    arrays = found.arrays
    lines += [
        f"Yield      {arrays.energy.sum() / 1e6:,.2f} GWh a year, "
        f"{arrays.specific:,.0f} kWh per kWp",
        f"Losses     {arrays.shading_loss:.1%} by shade, "
        f"{arrays.mismatch_loss:.1%} by modules in series",
    ]
    for facet, row in found.costs().head(MOST_NAMED).iterrows():
        lines.append(
            f"           {facet}: {row['kwp']:,.1f} kWp, {row['kwh_per_kwp']:,.0f} "
            f"kWh per kWp, {row['sek_per_kwh']:.2f} SEK per kWh"
        )
    lines.append("Prices and shares are assumptions: docs/solar_power.md")
    return lines


def collectors(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("--out", help="Roofs and facades, best first: .csv.")
    ] = None,
    building: Building = None,
    kind: Annotated[
        str, typer.Option("--collector", help=f"One of {', '.join(COLLECTORS)}.")
    ] = "flat-plate",
    *,
    as_json: AsJson = False,
) -> None:
    """Tell the heat of solar collectors: preheating hot water, and into the network.

    Collectors by ISO 9806 in the plane of each usable roof and facade. The network takes
    heat at the temperature of its supply, which follows the weather.

    Example: heidi collectors heidi-demo --out heat.csv
    """
    from gis.errors import GeometryError
    from gis.files import atomic_path, check_ending
    from meshes.solar.thermal import EVACUATED_TUBE, FLAT_PLATE, LARGE_FLAT_PLATE
    from twin.modules import heat_table
    from twin.reopen import open_twin

    if out is not None:
        check_ending(out, (".csv",))
    if kind not in COLLECTORS:
        message = f"--collector must be one of {', '.join(COLLECTORS)}, got {kind!r}"
        raise GeometryError(message)
    figures = (FLAT_PLATE, LARGE_FLAT_PLATE, EVACUATED_TUBE)
    of_kind = dict(zip(COLLECTORS, figures, strict=True))
    with Stages() as told:
        built = open_twin(folder, progress=told)
        table = heat_table(built, building=building, collector=of_kind[kind], progress=told)
    if out is not None:
        with atomic_path(out) as temporary:
            table.round(3).to_csv(temporary, lineterminator="\n")
    if as_json:
        rows = json.loads(table.reset_index().round(3).to_json(orient="records"))
        typer.echo(json.dumps({"collector": kind, "facets": rows}, indent=1))
        return
    typer.echo(f"Collector  {kind}; {len(table):,} usable roofs and facades")
    for facet, row in table.head(MOST_NAMED).iterrows():
        typer.echo(
            f"           {facet}: {row['usable_m2']:,.0f} m2, preheat "
            f"{row['preheat_kwh_m2']:,.0f}, network {row['network_kwh_m2']:,.0f} kWh/m2"
        )
    if out is not None:
        typer.echo(f"Written    {out}")
