"""Tell on the command line what may be wrong with the points of a twin."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.expect import Folder, read_time
from twin.cli.stages import Stages

if TYPE_CHECKING:
    from twin.expectation.asking import Answer
    from twin.expectation.hint import Hint


def hints(
    folder: Folder,
    weather: Annotated[
        Path | None,
        typer.Option(
            "--weather",
            help="Measured weather of that time, as for heidi expect. Default: that of the "
            "twin's weather station; without one the typical year, which tells little.",
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="First moment, such as 2026-06-21T00:00Z.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="First moment that is too late.")
    ] = None,
    least: Annotated[
        float,
        typer.Option("--least", help="Least confidence, 0 to 1.", min=0.0, max=1.0),
    ] = 0.5,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all hints with their figures as JSON.")
    ] = False,
) -> None:
    """Tell what may be wrong with meters, sensors and panels, and what speaks for it.

    Gaps, outages, stuck sensors, wrong units and clocks; of panels also parts that are
    off, dirt and shadows. Panels are compared with what the sun on their own roofs and
    facades should give, meters with their own past of at least 14 days.

    Example: heidi hints heidi-demo --weather june.csv --from 2016-06-01T00:00Z
    """
    from twin.expectation.asking import ask
    from twin.expectation.logged import read_logged
    from twin.live import open_live
    from twin.store.opening import open_store

    first, last = read_time(start, "--from"), read_time(end, "--to")
    twin = open_live(folder)
    with Stages() as told:
        told("reading the log", 0.0)
        with open_store(folder, read_only=True) as store:
            logged = read_logged(
                store,
                start=None if first is None else int(first.timestamp() * 1e6),
                end=None if last is None else int(last.timestamp() * 1e6),
            )
        answer = ask(
            twin,
            logged.values,
            sources=logged.sources,
            weather=weather,
            start=first,
            end=last,
            quality=logged.quality,
            progress=told,
        )
    found = [hint for hint in answer.hints if hint.confidence >= least]
    if as_json:
        record = {
            "label": answer.label,
            "compared_with": answer.compared,
            "points": answer.points,
            "left_out": dict(answer.left_out),
            "hints": [hint.record() for hint in found],
        }
        typer.echo(json.dumps(record, indent=1, ensure_ascii=False))
        return
    for line in _lines(found, answer):
        typer.echo(line)


def _lines(found: "Sequence[Hint]", answer: "Answer") -> list[str]:
    """Return the hints for people."""
    lines = [f"{answer.label} values" if answer.label else "Measured values"]
    lines.append(f"{'Compared':<11}{answer.points:,} points; panels with {answer.compared}")
    if answer.left_out:
        told = ", ".join(f"{count:,} ({why})" for why, count in answer.left_out.items())
        lines.append(f"{'Left out':<11}{told}")
    if not found:
        lines.append("No hint of a fault.")
    for hint in found:
        lines.append(f"{hint.confidence:4.0%}  {hint.kind.value:<8} {hint.point}")
        lines.append(f"      {hint.evidence}")
    return lines
