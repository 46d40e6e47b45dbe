"""Draw a twin on the command line."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gis.errors import OutputError
from meshes.render.catalogue import Language, Size, Style, View
from twin.cli.stages import Stages

if TYPE_CHECKING:
    from meshes.render.subject import Subject

Progress = Callable[[str, float], None]

OPENING = 0.25
"""Share of the work that opening the twin is."""

TOLD_EVERY = 25
"""Frames between two lines where there is no terminal to redraw one: a second of film."""

render_app = typer.Typer(
    help="Draw pictures and films of a twin, for an exhibition or to judge its roofs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Twin folder, as heidi build writes it.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for the results. Default: DIR/exhibition."),
]
Date = Annotated[str, typer.Option("--date", help="Day of the shadows, as in 2026-06-21.")]


@render_app.command()
def stills(
    folder: Folder,
    view: Annotated[
        list[View] | None,
        typer.Option(
            "--view",
            help="sound: from the Öresund; oceanpiren: the pier; campus: the court of "
            "Campus Helsingborg. Repeat for several. Default: all that the twin has.",
        ),
    ] = None,
    look: Annotated[
        list[Style] | None,
        typer.Option(
            "--look",
            help="model: white, in the sun; data: a year's light on roofs and facades, "
            "with its legend. Default: both.",
        ),
    ] = None,
    size: Annotated[
        list[Size] | None, typer.Option("--size", help="Default: 1080p and 4k.")
    ] = None,
    language: Annotated[
        list[Language] | None,
        typer.Option("--language", help="Of the captions. Default: Swedish and English."),
    ] = None,
    date: Date = "2026-03-20",
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            help="Local time, as in 16:15. Default: the afternoon hour that suits a view.",
        ),
    ] = None,
    out: Out = None,
) -> None:
    """Draw large still pictures with captions in Swedish and English.

    A file for each view, look, size and language, as sound_model_1080p_sv.png.

    Example: heidi render stills heidi-demo --view oceanpiren --look model
    --date 2026-12-21 --time 12:00 --size 4k
    """
    with _ending_on_request(), Stages() as told:
        from meshes.render.exhibition import STILL_SIZES, choose_views, write_exhibition
        from meshes.render.sunlight import at_clock, read_day

        # Said before the twin is opened, which takes its time.
        day = read_day(date)
        if time is not None:
            at_clock(day, time)
        subject = _open(folder, told)
        choose_views(subject, view or ())
        shown = write_exhibition(
            _made(out or folder / "exhibition"),
            subject,
            views=view or (),
            styles=look or tuple(Style),
            sizes=size or STILL_SIZES,
            languages=language or tuple(Language),
            date=date,
            time=time,
            progress=_after_opening(told),
        )
    for note in shown.notes:
        typer.echo(f"  note: {note}", err=True)
    for path in shown.files:
        typer.echo(path)


@render_app.command()
def film(
    folder: Folder,
    date: Date,
    view: Annotated[
        View,
        typer.Option(
            "--view",
            help="sound: from the Öresund; oceanpiren: the pier; campus: the court.",
        ),
    ] = View.SOUND,
    look: Annotated[
        Style,
        typer.Option(
            "--look", help="White model in the sun, or a year's light on roofs and facades."
        ),
    ] = Style.MODEL,
    size: Annotated[
        Size, typer.Option("--size", help="Height of the picture.")
    ] = Size.FULL,
    minutes: Annotated[
        int | None,
        typer.Option(
            "--minutes", help="Between frames. Default: so few that it lasts 8 to 12 s."
        ),
    ] = None,
    language: Annotated[
        Language, typer.Option("--language", help="Of the captions.")
    ] = Language.SV,
    out: Out = None,
) -> None:
    """Film the sun's way over the district from dawn to dusk.

    An MP4 (H.264, 25 frames a second), as film_sound_model_2026-06-21_1080p_sv.mp4. Needs
    the program ffmpeg: make extras brings one.

    Example: heidi render film heidi-demo --date 2026-06-21 --view oceanpiren
    """
    with _ending_on_request(), Stages() as told:
        from meshes.render.exhibition import choose_views
        from meshes.render.film import check_minutes, write_film
        from meshes.render.sunlight import read_day
        from meshes.render.video import find_ffmpeg

        # Said before the twin is opened, which takes its time.
        read_day(date)
        find_ffmpeg()
        if minutes is not None:
            check_minutes(minutes)
        subject = _open(folder, told)
        choose_views(subject, [view])
        path = write_film(
            _made(out or folder / "exhibition"),
            subject,
            date=date,
            view=view,
            style=look,
            size=size,
            language=language,
            minutes=minutes,
            progress=_sparse(_after_opening(told)),
        )
    typer.echo(path)


@render_app.command()
def fits(
    folder: Folder,
    points: Annotated[
        Path | None,
        typer.Option("--points", help="Point cloud (LAS, LAZ, COPC) or a folder of tiles."),
    ] = None,
    surface: Annotated[
        Path | None,
        typer.Option("--surface", help="Instead: surface model (GeoTIFF, metres RH2000)."),
    ] = None,
    building: Annotated[
        list[str] | None,
        typer.Option(
            "--building",
            metavar="ID",
            help="Building or part to draw; repeat for several. Default: the worst.",
        ),
    ] = None,
    most: Annotated[
        int, typer.Option("--most", help="Draw so many at most, six a sheet.", min=1)
    ] = 60,
    tag: Annotated[
        str,
        typer.Option("--tag", help="Warning on every sheet, such as SIMULATED."),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the results. Default: DIR/fits."),
    ] = None,
) -> None:
    """Draw roofs beside the survey they were fitted to, the worst first.

    Each building from aslant, from above and cut across its ridge, with the samples in the
    colour of their distance from the roof; a page with all buildings; residuals of
    buildings and of roof planes as tables (CSV).

    Example: heidi render fits my-twin --points lidar/ --out my-fits
    """
    with _ending_on_request(), Stages() as told:
        from twin.fits import choose_parts, measure_fits, write_fits
        from twin.reopen import open_twin
        from twin.survey_roofs import check_survey, survey_soundings

        # Said before the twin is opened, which takes its time.
        survey = check_survey(points=points, surface=surface)
        built = open_twin(folder, progress=lambda text, share: told(text, OPENING * share))
        told("reading the survey", OPENING)
        soundings = survey_soundings(built.district, points=points, surface=surface)
        told("measuring roofs", 0.5)
        found = measure_fits(
            built.district.buildings,
            built.solids,
            built.roofs,
            soundings,
            survey=survey.name,
        )
        choose_parts(found, building or ())
        told("drawing", 0.6)
        written = write_fits(
            found,
            _made(out or folder / "fits"),
            district=built.district,
            wanted=building or (),
            most=most,
            tag=tag,
        )
    for note in found.notes:
        typer.echo(f"  note: {note}", err=True)
    for path in written:
        typer.echo(path)


def _open(folder: Path, told: Progress) -> "Subject":
    """Open a twin for its pictures."""
    from meshes.render.subject import make_subject
    from twin.reopen import open_twin

    built = open_twin(folder, progress=lambda text, share: told(text, OPENING * share))
    return make_subject(
        built.district,
        built.facets,
        built.light.sensor_annual,
        trees_shade=built.light.crowns is not None,
        light_source=built.weather.source,
    )


def _made(folder: Path) -> Path:
    """Return a folder that exists."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make the folder {folder}: {error.strerror or error}"
        message = f"{message}; choose another with --out"
        raise OutputError(message) from error
    return folder


def _after_opening(told: Progress) -> Progress:
    """Tell what comes after the opening of the twin."""
    return lambda text, share: told(text, OPENING + (1 - OPENING) * share)


def _sparse(told: Progress) -> Progress:
    """Tell each frame on a terminal, and one in `TOLD_EVERY` in a log."""
    calls = iter(range(sys.maxsize))

    def tell(text: str, share: float) -> None:
        call = next(calls)  # the first prepares the view, the others are frames
        if sys.stderr.isatty() or call == 0 or call % TOLD_EVERY == 1:
            told(text, share)

    return tell


@contextmanager
def _ending_on_request() -> Iterator[None]:
    """End as after Ctrl-C when asked to terminate, so that nothing is left half-written."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
