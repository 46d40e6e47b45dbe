"""Check a twin on the command line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twin.quality import Quality

WIDTH = 92


def check(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Twin folder, made by heidi demo or heidi build."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for quality.json and quality.html; made if missing. Default: the "
            "twin folder.",
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole answer as JSON.")
    ] = False,
) -> None:
    """Tell how far a twin can be trusted: what is known, assumed, repaired or doubtful.

    Heights, footprints, attributes, reference systems, extent, ground and water, weather
    and credits each get a verdict: good, look or bad. Writes quality.json and
    quality.html, a page with coverage maps.

    Exit code: 0 nothing is bad, 1 something is, 2 the folder cannot be read.

    Example: heidi check heidi-demo
    """
    from gis.errors import OutputError
    from twin.cli.stages import Stages
    from twin.folder import check_folder
    from twin.quality import Verdict, check_twin
    from twin.quality_files import read_files
    from twin.quality_page import PAGE, RECORD, quality_record, write_page, write_record
    from twin.siting_record import today

    target = folder if out is None else out
    if out is not None:
        check_folder(out)
    with Stages() as told:
        told("reading", 0.0)
        files = read_files(folder)
        told("checking", 0.3)
        quality = check_twin(files)
        told("writing", 0.9)
        record = quality_record(quality, made=today())
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"cannot make {target}: {error.strerror}; change --out"
            raise OutputError(message) from error
        layers = files.layers
        write_record(target / RECORD, record)
        write_page(
            target / PAGE,
            quality,
            boundary=layers.boundary,
            water=layers.water,
            made=today(),
        )
    record["files"] = [str(target / RECORD), str(target / PAGE)]
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        for line in report_lines(quality):
            typer.echo(line)
        typer.echo(f"\nwritten: {target / RECORD}, {target / PAGE}")
    if quality.verdict is Verdict.BAD:
        raise typer.Exit(1)


def report_lines(quality: "Quality") -> list[str]:
    """Lay the verdicts out as text.

    Parameters
    ----------
    quality : Quality
        What was found.

    Returns
    -------
    list of str
        What is not good with its limits, what is good in a line.
    """
    import textwrap

    from twin.quality import Verdict, verdict_sentence

    lines = [f"{quality.name}: {verdict_sentence(quality)}"]
    for topic in quality.topics:
        lines.append(f"\n{topic.verdict.value.upper():<5} {topic.name}")
        for one in topic.checks:
            sign = one.verdict.value if one.verdict else "-"
            begin = f"  {sign:<5}"
            texts = [f"{one.name}: {one.found}"]
            if one.verdict not in (None, Verdict.GOOD):
                texts.append(f"({one.limit}; {one.reason})")
            for number, text in enumerate(texts):
                head = begin if number == 0 else " " * len(begin)
                lines += textwrap.wrap(
                    text, WIDTH, initial_indent=head, subsequent_indent=" " * len(begin)
                )
    return lines
