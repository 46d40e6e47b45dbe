"""Question a twin about new buildings on the command line."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis.errors import ComponentError, OutputError
from twin.cli.stages import Stages

if TYPE_CHECKING:
    from twin.build import Progress
    from twin.siting import Evaluation, Site
    from twin.siting_pictures import Pictures

GEOJSON, PAGE = "evaluation.geojson", "evaluation.html"
"""Files of an answer."""

NO_TRACER = (
    "Drawn without pictures: they need embreex, which is not installed where this page was "
    "made."
)

site_app = typer.Typer(
    help="Ask what a new building does to its neighbours.",
    epilog="Start with: heidi site evaluate heidi-demo docs/examples/candidate.geojson",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@site_app.callback()
def site() -> None:
    """Ask what a new building does to its neighbours."""


@site_app.command()
def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Twin folder, made by heidi demo or heidi build."
        ),
    ],
    candidate: Annotated[
        Path,
        typer.Argument(
            metavar="CANDIDATE",
            help="GeoJSON: polygons with height_m [m] and, if known, use, name, "
            "base_m_rh2000 [m], storeys and gross_area_m2; longitude and latitude unless "
            "a member crs says else.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for map and page; made if missing. Default: beside the candidate, "
            "its name with -evaluation.",
        ),
    ] = None,
    *,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Plots or plan rules to judge by: polygons in any vector format (.gpkg, "
            ".shp, .geojson) with anvandning, nockhojd, totalhojd, vaningar, bta, e_tal, "
            "bya, avstand, prickmark, golvniva ... or sentences in bestammelseformulering.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole answer as JSON.")
    ] = False,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures/--no-pictures", help="Draw before and after, the slowest part."
        ),
    ] = True,
) -> None:
    """Tell what a new building takes from its neighbours and what it gets itself.

    Light in a year, hours of sun at the equinox and solar power, before and after, for
    every affected neighbour; rules kept or broken. Writes evaluation.geojson for maps and
    evaluation.html, one page to print.

    With --plan the building is also held against every zone that it touches: use, heights,
    storeys, areas, distance to the edge, ground without buildings, level of the floor.
    What a machine cannot judge is listed, to be checked by a person.

    Exit code: 0 all judged rules are kept, 1 a rule is broken, 2 the input cannot be used.

    Example: heidi site evaluate heidi-demo docs/examples/candidate.geojson

    By a plan: heidi site evaluate heidi-demo candidate.geojson --plan plan.gpkg
    """
    from gis.candidate import check_candidate_file, read_candidate
    from gis.plan_rules import read_plan_rules
    from twin.cli.site_table import show_answer
    from twin.description import read_description
    from twin.reopen import open_twin
    from twin.siting import evaluate as evaluate_candidate
    from twin.siting import prepare_site
    from twin.siting_files import write_geojson
    from twin.siting_page import write_page
    from twin.siting_record import evaluation_record, today
    from twin.unpacked_bits import kept_bits

    target = candidate.with_name(f"{candidate.stem}-evaluation") if out is None else out
    files = (target / GEOJSON, target / PAGE)
    _check_target(target, folder, candidate)
    read_description(folder)
    check_candidate_file(candidate)
    rules = None if plan is None else read_plan_rules(plan)
    with Stages() as told:
        twin = open_twin(folder, progress=told)
        asked = read_candidate(candidate, twin.district)
        told("sun at the equinox", 0.0)
        place = prepare_site(twin, bits=kept_bits(twin, folder))
        told("evaluating", 0.0)
        start = time.perf_counter()
        evaluation = evaluate_candidate(place, asked, plan=rules)
        seconds = {"evaluation": time.perf_counter() - start}
        start = time.perf_counter()
        drawn, reason = _draw(place, evaluation, told) if pictures else (None, "")
        seconds["pictures"] = time.perf_counter() - start
        told("writing", 0.0)
        made = today()
        _make(target)
        write_geojson(files[0], place, evaluation, made=made)
        words = {"without": reason} if reason else {}
        write_page(files[1], place, evaluation, pictures=drawn, made=made, **words)
    record = evaluation_record(place, evaluation, made=made)
    record["files"] = [str(path) for path in files]
    record["pictures"] = drawn is not None
    record["seconds"] = {name: round(value, 2) for name, value in seconds.items()}
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        show_answer(record)
    if not evaluation.passed:
        raise typer.Exit(1)


def _draw(
    place: "Site", evaluation: "Evaluation", told: "Progress"
) -> "tuple[Pictures | None, str]":
    """Draw the pictures, or say why there are none."""
    from twin.siting_page import SHOWN
    from twin.siting_pictures import draw_pictures

    try:
        return draw_pictures(place, evaluation, numbered=SHOWN, progress=told), ""
    except ComponentError:
        return None, NO_TRACER


def _check_target(target: Path, folder: Path, candidate: Path) -> None:
    """Refuse a folder that is the twin's, cannot be written or holds the question."""
    from twin.folder import check_folder

    if target.resolve() == folder.resolve():
        message = (
            f"the answer must not be written among the twin's own files, got {target}; "
            "change --out"
        )
        raise OutputError(message)
    if candidate.resolve() in {(target / name).resolve() for name in (GEOJSON, PAGE)}:
        message = f"the answer must not replace the question, got {candidate}; change --out"
        raise OutputError(message)
    check_folder(target)


def _make(target: Path) -> None:
    """Make the folder of the answer."""
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make {target}: {error.strerror}; change --out"
        raise OutputError(message) from error
