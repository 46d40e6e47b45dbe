"""Describe in a file what the boundary of a district is built from."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gis.errors import CrsError, SourceError, TableError

LARGEST_FILE = 1_000_000
"""A recipe is a page of text [bytes]."""

LARGEST_NUMBER = 1e307
"""No number of a recipe is as large, whatever its unit."""

LONGEST_NAME = 255
"""Bytes of the name of a file or folder that file systems take."""

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
    "credits": "a text or a list of texts",
}
"""What may stand in a recipe, and as what."""

ANCHOR_KEYS = ("name", "at", "crs", "accuracy", "basis", "kind")
"""What may stand in an anchor."""

ANCHOR_KINDS = ("hub", "landmark")
"""What an anchor is to its district; a landmark only leads the walk."""

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
    accuracy : float, optional
        How far off the coordinates may be [m].
    basis : str
        How they are known.
    kind : str
        "hub", or "landmark" for a place that only leads the walk.
    """

    name: str
    at: tuple[float, float]
    crs: str
    accuracy: float | None = None
    basis: str = ""
    kind: str = "hub"


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
    credits : tuple of str
        Whom to name for the layers and the coordinates.
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
    credits: tuple[str, ...] = ()


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
        with path.open("rb") as stream:
            # Bounded, because a device has no size and no end.
            content = stream.read(LARGEST_FILE + 1)
        size = max(path.stat().st_size, len(content))
        text = content.decode("utf-8") if size <= LARGEST_FILE else ""
        table = tomllib.loads(text)
    except OSError as error:
        message = f"a recipe must be readable, got {path}: {error.strerror}"
        raise SourceError(message) from error
    except (ValueError, RecursionError) as error:
        # No TOML, no UTF-8, or a number of thousands of digits.
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
        credits=tuple(_listed(table.get("credits", []))),
    )


def recipe_files(recipe: BoundaryRecipe) -> tuple[Path, ...]:
    """Files that a recipe names.

    Parameters
    ----------
    recipe : BoundaryRecipe
        What a boundary is built from.

    Returns
    -------
    tuple of Path
        Places, water and edges, each once.
    """
    water = [] if recipe.water is None else [recipe.water]
    return tuple(dict.fromkeys([*recipe.places, *water, *recipe.edges]))


def _faults(table: Mapping[str, Any]) -> list[str]:
    """List what is wrong with the keys of a recipe."""
    faults = []
    for key in table:
        if key not in KEYS:
            faults.append(f"unknown key {key!r}{suggest(key, KEYS)}")
    for key in ("anchors", "reach"):
        if key not in table:
            faults.append(f"{key} is missing, it must be {KEYS[key]}")
    texts = {"name", "plan", "water"} & table.keys()
    lists = {"places", "edges", "credits"} & table.keys()
    numbers = {"reach", "narrowest"} & table.keys()
    wrong = [key for key in texts if not isinstance(table[key], str)]
    wrong += [key for key in numbers if not _is_number(table[key])]
    wrong += [key for key in lists if not _are_texts(table[key])]
    named = {"places", "water", "edges"} & table.keys() - set(wrong)
    wrong += [key for key in named if not _are_names(table[key])]
    wrong += [
        key for key in {"walk"} & table.keys() if table[key] not in {"closed", "open"}
    ]
    wrong += [key for key in {"anchors"} & table.keys() if not isinstance(table[key], list)]
    faults += [f"{k} must be {KEYS[k]}, got {str(table[k])[:40]!r}" for k in sorted(wrong)]
    return faults


def _is_number(value: object) -> bool:
    """Whether a value is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # By comparison: whole numbers of a recipe may be too large for a float.
    return -LARGEST_NUMBER < value < LARGEST_NUMBER


def _are_texts(value: object) -> bool:
    """Whether a value is a text or a list of texts."""
    values = value if isinstance(value, list) else [value]
    return all(isinstance(one, str) for one in values)


def _are_names(value: str | list[str]) -> bool:
    """Whether a text or all of a list can be names of files."""
    return all(
        name.isprintable() and name and _longest_part(name) <= LONGEST_NAME
        for name in _listed(value)
    )


def _longest_part(name: str) -> int:
    """Bytes of the longest name in a path."""
    return max((len(part.encode()) for part in Path(name).parts), default=0)


def _listed(value: str | list[str]) -> list[str]:
    """Several texts, or one."""
    return [value] if isinstance(value, str) else value


def _files(value: str | list[str], recipe: Path) -> tuple[Path, ...]:
    """Paths of files that a recipe names."""
    return tuple(recipe.parent / name for name in _listed(value))


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
    faults = _anchor_faults(value)
    if faults:
        message = f"{file}: the anchor {name}: {'; '.join(faults)}"
        raise TableError(message)
    accuracy = value.get("accuracy")
    return Anchor(
        name,
        (float(at[0]), float(at[1])),
        crs,
        accuracy=None if accuracy is None else float(accuracy),
        basis=value.get("basis", ""),
        kind=value.get("kind", ANCHOR_KINDS[0]),
    )


def _anchor_faults(anchor: Mapping[str, Any]) -> list[str]:
    """List what is wrong with what an anchor tells beside its place."""
    faults = [
        f"unknown key {key!r}{suggest(key, ANCHOR_KEYS)}"
        for key in anchor
        if key not in ANCHOR_KEYS
    ]
    accuracy, basis = anchor.get("accuracy", 1.0), anchor.get("basis", "")
    if not (_is_number(accuracy) and accuracy > 0.0):
        faults.append(f"accuracy must be a number of metres, got {str(accuracy)[:20]!r}")
    if not isinstance(basis, str):
        faults.append(f"basis must be a text, got {str(basis)[:20]!r}")
    if anchor.get("kind", "hub") not in ANCHOR_KINDS:
        allowed = " or ".join(f'"{kind}"' for kind in ANCHOR_KINDS)
        faults.append(f"kind must be {allowed}, got {str(anchor['kind'])[:20]!r}")
    return faults


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
