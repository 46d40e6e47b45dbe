"""Build the boundary of a district on the command line."""

import json
import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer

WIDTH = 92

MOST_TOLD = 10
"""Lines on what a boundary follows."""


def boundary(
    recipe: Annotated[
        Path,
        typer.Argument(metavar="RECIPE", help="TOML: anchors, reach, water, edges."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Where to write it: .geojson (longitude and latitude) or .gpkg (plan of "
            "the recipe). Without it nothing is written.",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw boundary, anchors, water and edges: a .png."),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole answer as JSON.")
    ] = False,
) -> None:
    """Build a district from two or more places along coasts, railways and streets.

    The district is what lies within reach of a walk from anchor to anchor and what the
    walk encloses, without water, cut at edges that cross it. Tells area, extent and what
    the boundary follows.

    Exit code: 0 it is built, 2 the recipe or one of its files cannot be used.

    Example: heidi boundary docs/examples/lindholmen_boundary.toml --out lindholmen.geojson
    """
    from gis.boundary import trace_boundary
    from gis.boundary_account import boundary_record
    from gis.boundary_files import check_ending, check_target, write_boundary
    from gis.boundary_recipe import read_boundary_recipe, recipe_files

    given = read_boundary_recipe(recipe)
    if out is not None:
        check_ending(out)
    if picture is not None:
        from twin.boundary_picture import check_picture, write_picture

        check_picture(picture)
    targets = [path for path in (out, picture) if path is not None]
    for path in targets:
        check_target(path, [recipe, *recipe_files(given)])
    traced = trace_boundary(given)
    record = boundary_record(traced)
    if out is not None:
        write_boundary(out, traced)
    if picture is not None:
        write_picture(picture, traced)
    record["files"] = [str(path) for path in targets]
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        for line in report_lines(record):
            typer.echo(line)


def report_lines(record: dict[str, Any]) -> list[str]:
    """Lay a boundary out as text.

    Parameters
    ----------
    record : dict
        As `gis.boundary_account.boundary_record` collects it, with ``files``.

    Returns
    -------
    list of str
        A line a topic; numbers with their unit.
    """
    pieces, area = record["pieces"], record["area_m2"]
    told = "1 piece" if pieces == 1 else f"{pieces} pieces"
    west, south, east, north = record["extent"]["plan"]
    degrees = record["extent"]["degrees"]
    rows = [
        ("Area", f"{area / 1e6:.3f} km2 ({area:,.0f} m2) in {told}"),
        (
            "Extent",
            f"x {west:.0f} to {east:.0f}, y {south:.0f} to {north:.0f} m in "
            f"{record['plan']}; {degrees[0]:.5f} to {degrees[2]:.5f} E, "
            f"{degrees[1]:.5f} to {degrees[3]:.5f} N",
        ),
        ("Anchors", ", ".join(str(one["name"]) for one in record["anchors"])),
        *(("" if n else "Follows", told) for n, told in enumerate(_follows(record))),
    ]
    if record["unused"]:
        text = f"{', '.join(record['unused'])}: the boundary follows nothing of it"
        rows.append(("No effect", text))
    if record["files"]:
        rows.append(("Written", ", ".join(record["files"])))
    else:
        rows.append(("Written", "nothing; add --out FILE.geojson"))
    lines = [record["name"] or "District"]
    for topic, text in rows:
        lines += textwrap.wrap(
            text, WIDTH, initial_indent=f"{topic:<11}", subsequent_indent=" " * 11,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return lines


def _follows(record: dict[str, Any]) -> list[str]:
    """Say what the boundary follows and how far, at most ten things."""
    told = []
    for one in record["follows"]:
        share = one["length_m"] / record["length_m"]
        match one["kind"]:
            case "reach":
                name = f"the limit of its reach of {record['reach_m']:g} m"
            case "water":
                name = f"water ({one['source'] or 'given'})"
            case _:
                name = f"{one['name'] or 'edges without name'} ({one['source']})"
        told.append(f"{one['length_m']:7,.0f} m {100 * share:3.0f} % {name}")
    # The longest edges come first, the limit of the reach last.
    if len(told) > MOST_TOLD:
        more = len(told) - MOST_TOLD + 1
        told[MOST_TOLD - 2 : -1] = [f"... and {more} more, see --json"]
    return told
