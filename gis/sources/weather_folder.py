"""Join weather files of one place that hold a quantity or a time each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gis.errors import SourceError
from gis.sources.weather_hours import RawHours

MOST_FILES = 200
_FAR = 0.3  # [degrees] between places that no longer share their weather, some 30 km


def weather_files_in(folder: Path, suffixes: Sequence[str]) -> tuple[Path, ...]:
    """List the weather files of a folder.

    Parameters
    ----------
    folder : Path
        Its own files only, no folders inside.
    suffixes : sequence of str
        In lower case with the dot.

    Returns
    -------
    tuple of Path
        By name, one or more.

    Raises
    ------
    SourceError
        If there are none or too many.
    """
    try:
        files = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in suffixes and path.is_file()
        )
    except OSError as error:
        message = f"cannot read the folder {folder}: {error.strerror}; check the path"
        raise SourceError(message) from error
    if not 0 < len(files) <= MOST_FILES:
        message = (
            f"a folder of weather must hold 1 to {MOST_FILES} files of "
            f"{', '.join(suffixes)}, got {len(files)} in {folder.name!r}; sort them"
        )
        raise SourceError(message)
    return tuple(files)


def join_hours(parts: Sequence[RawHours], name: str) -> RawHours:
    """Put the hours of several files beside and after each other.

    Parameters
    ----------
    parts : sequence of RawHours
        One or more of equal steps; where two know the same value of the same time, the
        earlier part wins.
    name : str
        Of the whole, for the source line.

    Returns
    -------
    RawHours
        The union of hours and columns. Beam on the horizontal (``beam_horizontal``) has
        become DHI where that was not known. The place is that of the radiation.

    Raises
    ------
    SourceError
        If nothing is joined.
    """
    if not parts:
        message = f"weather of {name} must hold one part or more, got none; add files"
        raise SourceError(message)
    notes = [note for part in parts for note in part.notes]
    table = parts[0].table
    for part in parts[1:]:
        shared = [column for column in part.table if column in table]
        rows = table.index.intersection(part.table.index)
        away = table.loc[rows, shared] - part.table.loc[rows, shared]
        if clashes := int((away.abs() > 1e-6).any(axis=1).sum()):
            notes.append(
                f"{clashes:,} hours have other values in a second file; the first by name "
                "was taken."
            )
        table = table.combine_first(part.table)
    if "beam_horizontal" in table:
        rest = (table["ghi"] - table["beam_horizontal"]).clip(lower=0.0)
        table = table.assign(dhi=table["dhi"].fillna(rest) if "dhi" in table else rest)
        table = table.drop(columns="beam_horizontal")
        notes.append("DHI is GHI less the beam on the horizontal.")
    place = _place(parts, notes)
    return RawHours(
        table=table.sort_index(),
        latitude=place[0],
        longitude=place[1],
        source="; ".join(dict.fromkeys(part.source for part in parts))[:400],
        notes=tuple(dict.fromkeys(notes)),
        step_minutes=parts[0].step_minutes,
    )


def _place(
    parts: Sequence[RawHours], notes: list[str]
) -> tuple[float | None, float | None]:
    """Place of the radiation, or else the first that is known."""
    known = [part for part in parts if part.latitude is not None]
    if not known:
        return None, None
    light = [part for part in known if "ghi" in part.table or "dni" in part.table]
    chosen = (light or known)[0]
    here = np.array([chosen.latitude, chosen.longitude], dtype=np.float64)
    for part in known:
        there = np.array([part.latitude, part.longitude], dtype=np.float64)
        scale = np.array([1.0, np.cos(np.radians(here[0]))])
        if np.hypot(*((there - here) * scale)) > _FAR:
            notes.append(
                f"{part.source} is {111.2 * np.hypot(*((there - here) * scale)):.0f} km "
                "away from the place of the radiation."
            )
    return chosen.latitude, chosen.longitude
