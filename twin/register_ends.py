"""Keep in a twin folder at which numbers its registers start again."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gis.errors import TableError
from gis.faults import MOST_NAMED, count_things
from twin import things
from twin.ingest.mapping import Mapping as Names
from twin.ingest.mapping import read_mapping
from twin.kinds import Kind
from twin.model import Model
from twin.units import converter

SAME = 1e-9
"""Relative difference below which two numbers are one: units are converted by floats."""


def largest_of(names: Names, model: Model) -> dict[str, float]:
    """Return at which numbers registers start again, as the digits of a mapping tell.

    Parameters
    ----------
    names : Mapping
        Of `twin.ingest.mapping`.
    model : Model
        Its points are the twin's.

    Returns
    -------
    dict of str to float
        By point, in its unit. Left out are points whose meters differ, as after a change,
        those whose unit only the messages tell, and numbers that are shifted.
    """
    points = {point.id: point for point in model.points}
    found: dict[str, set[float]] = {}
    for target in names.targets():
        point = points.get(target.point)
        if point is None or not target.digits or target.offset or not target.unit:
            continue
        if point.quantity.kind is Kind.REGISTER:
            way = converter(target.unit, point.quantity)
            number = abs(way.factor * target.factor) * 10.0**target.digits
            # 100 GJ are 27,777.777... kWh: the last bits are of no meter.
            found.setdefault(point.id, set()).add(float(f"{number:.15g}"))
    return {point: one.pop() for point, one in found.items() if len(one) == 1}


def keep_mapped(folder: Path, mapping: Path | None, *, dry: bool = False) -> int:
    """Keep in a twin folder what a mapping file tells of its registers.

    Parameters
    ----------
    folder : Path
        The twin folder.
    mapping : Path or None
        As of `twin.ingest.mapping.read_mapping`; None tells nothing.
    dry : bool
        Whether contradictions are looked for only.

    Returns
    -------
    int
        As of `keep_largest`.

    Raises
    ------
    TableError, SourceError, OutputError
        As there, and if the mapping cannot be read.
    """
    if mapping is None:
        return 0
    model = things.read_model(folder / things.FILE)
    known = {point.id: point.quantity for point in model.points}
    return keep_largest(
        folder, largest_of(read_mapping(mapping, points=known), model), dry=dry
    )


def keep_largest(folder: Path, told: Mapping[str, float], *, dry: bool = False) -> int:
    """Write into ``model.json`` at which numbers registers start again.

    Parameters
    ----------
    folder : Path
        The twin folder.
    told : mapping of str to float
        By point, in its unit. Points that the twin does not have are passed over.
    dry : bool
        Whether contradictions are looked for only.

    Returns
    -------
    int
        How many points did not say so before. The file is written only if there are any,
        whole or not at all; a running server sees it when it is started again.

    Raises
    ------
    TableError
        If the file says another number of a point.
    SourceError, OutputError
        If the file cannot be read or written.
    """
    if not told:
        return 0
    path = folder / things.FILE
    model = things.read_model(path)
    faults = [
        f"{point.id} starts again at {point.largest:,.10g} {point.quantity.unit} in "
        f"{things.FILE}, at {told[point.id]:,.10g} by the digits of the mapping"
        for point in model.points
        if point.id in told
        and point.largest is not None
        and not math.isclose(point.largest, told[point.id], rel_tol=SAME)
    ]
    if faults:
        message = (
            f"model and mapping must tell the same of a register, got "
            f"{count_things(len(faults), 'contradiction')}: "
            f"{'; '.join(faults[:MOST_NAMED])}; correct one of them"
        )
        raise TableError(message)
    new = [point.id for point in model.points if point.id in told and point.largest is None]
    if new and not dry:
        points = tuple(
            replace(point, largest=told[point.id])
            if point.largest is None and point.id in told
            else point
            for point in model.points
        )
        things.write_model(path, replace(model, points=points))
    return len(new)
