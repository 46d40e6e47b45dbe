"""Replace the things of a twin folder by imported ones."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gis.errors import OutputError, SourceError, UnknownIdError
from gis.faults import name_some
from gis.files import atomic_path, check_ending
from gis.sources import json_text
from twin import things
from twin.exchange.brick import write_brick
from twin.exchange.brick_reading import graph_model
from twin.exchange.imported import Imported
from twin.exchange.table import read_table, write_table
from twin.model import Building, Model, Point, System

WRITERS: Mapping[str, Callable[[Path, Model], None]] = {
    "jsonld": write_brick,
    "csv": write_table,
}
"""Formats that things are written in."""

ENDINGS = (".jsonld", ".json", ".csv", ".txt")
"""Files that things are read from."""

FACETS = "facets.parquet"


def read_things(path: Path) -> Imported:
    """Read things in any of our formats, known by the ending and the content.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.txt``: a table; ``.jsonld`` or ``.json``: Brick, or a ``model.json``
        of a twin folder, such as one that an import kept.

    Returns
    -------
    Imported

    Raises
    ------
    OutputError
        If the ending is another one.
    SourceError, TableError
        If the file cannot be read as what it is.
    """
    check_ending(path, ENDINGS)
    if path.suffix.lower() in (".csv", ".txt"):
        return read_table(path)
    content = json_text.read_bytes(path, most=things.MOST_BYTES)
    text, _ = json_text.decode(content, path.name)
    told = json_text.parse(text, path.name)
    if isinstance(told, dict) and told.get("format") == things.FORMAT:
        return Imported(things.model_of(told, path.name))
    return graph_model(told, path.name)


def check_fits(folder: Path, old: Model, new: Model) -> None:
    """Refuse things that cannot be those of a twin.

    Parameters
    ----------
    folder : Path
        The twin folder.
    old, new : Model
        Its things, and those to come instead.

    Raises
    ------
    UnknownIdError
        If the buildings are others than the twin's, or a system lies on a facet that the
        twin does not have.
    """
    ours, theirs = ({b.id for b in model.buildings} for model in (old, new))
    if ours != theirs:
        more, less = sorted(theirs - ours), sorted(ours - theirs)
        message = (
            "the buildings must be those of the twin, which come from its geometry; got "
            f"{len(more)} others ({name_some(more) or 'none'}), "
            f"{len(less)} missing ({name_some(less) or 'none'})"
        )
        raise UnknownIdError(message)
    named = {facet for system in new.systems for facet in system.facets}
    known = {facet for system in old.systems for facet in system.facets}
    # Those that the twin's own systems lie on are there; only others are looked up.
    lost = sorted(named - known)
    if lost:
        lost = sorted(set(lost) - _facets(folder))
    if lost:
        message = (
            f"systems must lie on facets of the twin, got {len(lost)} unknown: "
            f"{name_some(lost)}; they are listed in {FACETS}"
        )
        raise UnknownIdError(message)


def changes(old: Model, new: Model) -> tuple[str, ...]:
    """Say what an import changes, a line for each kind of thing.

    Examples
    --------
    >>> changes(Model((), (), ()), Model((), (), ()))
    ('buildings: no change', 'systems: no change', 'points: no change')
    """
    lines = (
        _change("buildings", old.buildings, new.buildings),
        _change("systems", old.systems, new.systems),
        _change("points", old.points, new.points),
    )
    if old.district == new.district:
        return lines
    return (f"district: {new.district.id}, {new.district.name or 'no name'}", *lines)


def replace_things(folder: Path, model: Model, *, now: datetime | None = None) -> Path:
    """Write the things of a twin folder and keep the old ones beside them.

    Parameters
    ----------
    folder : Path
        The twin folder.
    model : Model
    now : datetime, optional
        What the clock says, for the name of the old file; default: now.

    Returns
    -------
    Path
        The old file, such as ``model.20260621T120000Z.json``; importing it undoes this.

    Raises
    ------
    SourceError
        If the folder holds no ``model.json``.
    OutputError
        If a file cannot be written; then the things are the old ones still.
    """
    path = folder / things.FILE
    try:
        old = path.read_bytes()
    except OSError as error:
        message = f"{path} must be readable: {error.strerror}; build the twin again"
        raise SourceError(message) from error
    stamp = (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    kept = path.with_name(f"{path.stem}.{stamp}Z{path.suffix}")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.stem}.{stamp}Z-{number}{path.suffix}")
    with atomic_path(kept) as temporary:
        temporary.write_bytes(old)
    things.write_model(path, model)
    return kept


def write_things(path: Path, model: Model, *, form: str) -> None:
    """Write things in one of `WRITERS`.

    Raises
    ------
    OutputError
        If there is no such format, or the file cannot be written.
    """
    if form not in WRITERS:
        message = f"things are written as {' or '.join(WRITERS)}, got {form!r}"
        raise OutputError(message)
    WRITERS[form](path, model)


def _facets(folder: Path) -> set[str]:
    """Return the facets of a twin folder."""
    from twin.light_files import read_columns

    return {
        str(name) for name in read_columns(folder / FACETS, ["facet"])["facet"].to_pylist()
    }


def _change(
    what: str,
    old: Iterable[Building] | Iterable[System] | Iterable[Point],
    new: Iterable[Building] | Iterable[System] | Iterable[Point],
) -> str:
    """Say how many things of a kind come, go and change."""
    before, after = ({thing.id: thing for thing in group} for group in (old, new))
    come = [name for name in after if name not in before]
    go = [name for name in before if name not in after]
    turned = [n for n, thing in after.items() if n in before and before[n] != thing]
    told = [
        f"{len(names)} {word} ({name_some(names)})"
        for names, word in ((come, "added"), (go, "removed"), (turned, "changed"))
        if names
    ]
    return f"{what}: {', '.join(told) or 'no change'}"
