"""Describe in a file what the boundary of a district is built from."""

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gis.errors import CrsError, SourceError, TableError

LARGEST_FILE = 1_000_000
"""A recipe is a page of text [bytes]."""

KEYS = {
    "name": "a text",
    "plan": 'a text such as "EPSG:3008"',
    "reach": "a number of metres",
    "narrowest": "a number of metres",
    "walk": '"closed" or "open"',
    "anchors": "a list of names and places",
    "places": "a file or a list of files",
    "water": "a file",
    "edges": "a file or a list of files",
}
"""What may stand in a recipe, and as what."""

EXAMPLE = '{ name = "Library", at = [12.69, 56.04], crs = "CRS84" }'


@dataclass(frozen=True)
class Anchor:
    """A place that a district is made of.

    Attributes
    ----------
    name : str
        What it is called.
    at : tuple of float
        x (east, longitude) and y (north, latitude) in its own reference system.
    crs : str
        That system, such as "CRS84" (longitude, latitude) or "EPSG:3006".
    """

    name: str
    at: tuple[float, float]
    crs: str


@dataclass(frozen=True)
class BoundaryRecipe:
    """What a boundary is built from.

    Attributes
    ----------
    anchors : tuple of str or Anchor
        Two or more, in the order of a walk: names of places, or places themselves.
    reach : float
        How far the district extends from the walk and from every anchor [m].
    is_closed : bool
        Whether the walk returns to its first anchor.
    narrowest : float
        Necks and spikes narrower than this are removed [m].
    places : tuple of Path
        Layers with named points or areas, where anchors are looked up.
    water : Path, optional
        Layer of open water; where a column ``kind`` exists, its rows with ``water``.
    edges : tuple of Path
        Layers of natural edges: coasts, railways, streets; of areas their outlines.
    plan : str
        Metric reference system of the result.
    name : str
        What the district is called.
    """

    anchors: tuple[str | Anchor, ...]
    reach: float
    is_closed: bool = True
    narrowest: float = 5.0
    places: tuple[Path, ...] = ()
    water: Path | None = None
    edges: tuple[Path, ...] = ()
    plan: str = "EPSG:3008"
    name: str = ""


def read_boundary_recipe(path: Path) -> BoundaryRecipe:
    """Read a recipe from a TOML file.

    Parameters
    ----------
    path : Path
        Keys as in docs/footprints.md; files in it are relative to its folder.

    Returns
    -------
    BoundaryRecipe

    Raises
    ------
    SourceError
        If the file is missing, too large or no TOML.
    TableError
        If a key is unknown, missing or of the wrong kind.
    CrsError
        If the coordinates of an anchor come without a reference system.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8") if size <= LARGEST_FILE else ""
        table = tomllib.loads(text)
    except OSError as error:
        message = f"a recipe must be readable, got {path}: {error.strerror}"
        raise SourceError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        message = f"{path.name} must be TOML, got: {reason}; mend that line"
        raise SourceError(message) from error
    if size > LARGEST_FILE:
        message = (
            f"a recipe must be a page of text, got {path.name} with {size:,} bytes; "
            f"give at most {LARGEST_FILE:,}"
        )
        raise SourceError(message)
    faults = _faults(table)
    if faults:
        message = f"{path.name}: {'; '.join(faults)}"
        raise TableError(message)
    anchors = tuple(_read_anchor(anchor, path.name) for anchor in table["anchors"])
    water = table.get("water")
    return BoundaryRecipe(
        anchors=anchors,
        reach=float(table["reach"]),
        is_closed=table.get("walk", "closed") == "closed",
        narrowest=float(table.get("narrowest", 5.0)),
        places=_files(table.get("places", []), path),
        water=None if water is None else path.parent / water,
        edges=_files(table.get("edges", []), path),
        plan=table.get("plan", "EPSG:3008"),
        name=table.get("name", ""),
    )


def _faults(table: Mapping[str, object]) -> list[str]:
    """List what is wrong with the keys of a recipe."""
    faults = []
    for key in table:
        if key not in KEYS:
            faults.append(f"unknown key {key!r}{suggest(key, KEYS)}")
    for key in ("anchors", "reach"):
        if key not in table:
            faults.append(f"{key} is missing, it must be {KEYS[key]}")
    texts = {"name", "plan", "water"} & table.keys()
    lists = {"places", "edges"} & table.keys()
    numbers = {"reach", "narrowest"} & table.keys()
    wrong = [key for key in texts if not isinstance(table[key], str)]
    wrong += [key for key in numbers if not _is_number(table[key])]
    wrong += [key for key in lists if not _are_texts(table[key])]
    wrong += [
        key for key in {"walk"} & table.keys() if table[key] not in {"closed", "open"}
    ]
    wrong += [key for key in {"anchors"} & table.keys() if not isinstance(table[key], list)]
    faults += [f"{k} must be {KEYS[k]}, got {str(table[k])[:40]!r}" for k in sorted(wrong)]
    return faults


def _is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _are_texts(value: object) -> bool:
    """Whether a value is a text or a list of texts."""
    values = value if isinstance(value, list) else [value]
    return all(isinstance(one, str) for one in values)


def _files(value: str | list[str], recipe: Path) -> tuple[Path, ...]:
    """Paths of files that a recipe names."""
    names = [value] if isinstance(value, str) else value
    return tuple(recipe.parent / name for name in names)


def _read_anchor(value: object, file: str) -> str | Anchor:
    """Read a name or a place."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or not {"name", "at"} <= value.keys():
        message = (
            f"{file}: an anchor must be a name or a place such as {EXAMPLE}, "
            f"got {str(value)[:60]}"
        )
        raise TableError(message)
    name, at, crs = value["name"], value["at"], value.get("crs")
    if crs is None:
        message = (
            f"{file}: the anchor {name} must name the reference system of its coordinates, "
            f'got none; add crs = "CRS84" for longitude and latitude, or crs = "EPSG:3008"'
        )
        raise CrsError(message)
    pair = isinstance(at, list) and len(at) == 2 and all(map(_is_number, at))
    if not (pair and isinstance(name, str) and isinstance(crs, str)):
        message = (
            f"{file}: the anchor {name} must have two numbers at and a text crs, such as "
            f"{EXAMPLE}, got {str(at)[:40]} and {str(crs)[:20]}"
        )
        raise TableError(message)
    return Anchor(name, (float(at[0]), float(at[1])), crs)


def suggest(name: str, known: Iterable[str]) -> str:
    """Name what was perhaps meant.

    Parameters
    ----------
    name : str
        What nobody knows.
    known : iterable of str
        What might have been meant.

    Returns
    -------
    str
        In parentheses after a space; "" if nothing is close.

    Examples
    --------
    >>> suggest("Kampus", ["Campus", "Station"])
    " (perhaps 'Campus')"
    """
    folded = {text.casefold(): text for text in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=2, cutoff=0.5)
    return (
        f" (perhaps {' or '.join(repr(folded[text]) for text in close)})" if close else ""
    )
