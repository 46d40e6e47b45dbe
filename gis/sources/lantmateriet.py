"""Read the building register of Lantmäteriet."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.attributes import as_text, find_columns, read_numbers
from gis.errors import TableError
from gis.faults import count_things, name_some
from gis.sources.archive import Archive, is_archive, open_archive
from gis.sources.identity import drop_repeats, number_parts
from gis.sources.origin import Origin, SourceTable
from gis.sources.uses import LANTMATERIET, LANTMATERIET_PURPOSES, swedish_use
from gis.sources.vector import read_layer

CREDIT = "© Lantmäteriet"
LICENCE = "CC BY 4.0"

SIGNS = frozenset({"objektidentitet", "objekttyp", "andamal1"})
"""Columns by which the register is known."""

PURPOSES = ("andamal1", "andamal2", "andamal3", "andamal4", "andamal5")
NAMES = ("byggnadsnamn1", "byggnadsnamn2", "byggnadsnamn3")

UNCERTAIN = 5.0
"""Position uncertainty that is worth a note [m]."""

Texts = npt.NDArray[np.object_]


def read_lantmateriet(path: Path) -> SourceTable:
    """Read buildings of Lantmäteriet's product "Byggnad Nedladdning, vektor".

    Parameters
    ----------
    path : Path
        The GeoPackage, or the zip it comes in (such as ``byggnad_kn1283.zip``).

    Returns
    -------
    SourceTable
        In the file's own system (EPSG:3006). Columns ``part`` and ``building`` (pieces that
        repeat an ``objektidentitet`` are parts of one building), ``name``, ``use``,
        ``uses`` (all of them), ``uncertainty_plan``, ``uncertainty_height`` [m] and
        ``outline`` (facade, roof edge or "").

    Raises
    ------
    SourceError
        If the file is missing, damaged or hostile.
    TableError
        If it is not this product, or empty.
    CrsError
        If its reference system cannot be understood.
    """
    frame, notes = _read(path)
    columns = {str(column).lower() for column in frame.columns}
    if not columns >= SIGNS:
        message = (
            f"the building register must have the columns {name_some(sorted(SIGNS))}, "
            f"{path.name} lacks {name_some(sorted(SIGNS - columns))}; give the product "
            "Byggnad Nedladdning, vektor"
        )
        raise TableError(message)
    return describe(frame, notes)


def is_lantmateriet(columns: Iterable[str]) -> bool:
    """Tell whether columns are those of the register.

    Parameters
    ----------
    columns : iterable of str
        Names in any case of letters.

    Returns
    -------
    bool
        Whether all of `SIGNS` are among them.
    """
    return {column.lower() for column in columns} >= SIGNS


def find_package(archive: Archive) -> str | None:
    """Name of the GeoPackage of buildings in an archive.

    Parameters
    ----------
    archive : Archive
        Any.

    Returns
    -------
    str or None
        The only GeoPackage, or the only one whose name begins with "byggnad".
    """
    packages = [name for name in archive.names if name.lower().endswith(".gpkg")]
    named = [p for p in packages if p.lower().rsplit("/", 1)[-1].startswith("byggnad")]
    for found in (packages, named):
        if len(found) == 1:
            return found[0]
    return None


def _read(path: Path) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Read the layer of buildings, out of its zip if need be."""
    if not is_archive(path):
        return read_layer(path, prefer=("byggnad",))
    with open_archive(path) as archive, TemporaryDirectory() as folder:
        name = find_package(archive)
        if name is None:
            message = (
                f"the archive must hold one GeoPackage of buildings, {path.name} has "
                f"{name_some(archive.names) or 'nothing'}; unpack it and give that file"
            )
            raise TableError(message)
        return read_layer(archive.unpack(name, Path(folder)), prefer=("byggnad",))


def describe(frame: gpd.GeoDataFrame, notes: tuple[str, ...]) -> SourceTable:
    """Describe the register in the columns of this twin.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer as it was read; must have the columns `SIGNS`.
    notes : tuple of str
        What was met while reading.

    Returns
    -------
    SourceTable
        See `read_lantmateriet`.
    """
    told = list(notes)
    present = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if len(present) < len(frame):
        count = count_things(len(frame) - len(present), "building")
        told.append(f"{count} without outline left out")
    if present.empty:
        message = "the building register must hold outlines, this one has none; get it anew"
        raise TableError(message)
    ids = _text(present, "objektidentitet").to_numpy(dtype=object)
    table, repeats = drop_repeats(present.reset_index(drop=True), ids)
    if repeats:
        told.append(f"{count_things(repeats, 'repeated outline')} counted once")
    ids = _text(table, "objektidentitet").to_numpy(dtype=object)
    uses = _uses(table, told)
    parts = np.array(number_parts(ids, table.geometry.to_numpy()), dtype=object)
    described = gpd.GeoDataFrame(
        {
            "part": np.where(ids == "", "", parts),
            "building": ids,
            "name": _names(table, told),
            "use": np.array([words[0] if words else "" for words in uses], dtype=object),
            "uses": np.array(["; ".join(dict.fromkeys(w)) for w in uses], dtype=object),
            **_accuracy(table, ids, told),
        },
        geometry=table.geometry.to_numpy(),
        crs=table.crs,
    )
    _tell_repeats(ids, told)
    return SourceTable(
        frame=described,
        notes=tuple(told),
        origin=Origin(
            "Lantmäteriet", "buildings, Byggnad Nedladdning", LICENCE, CREDIT, _year(table)
        ),
    )


def _text(frame: gpd.GeoDataFrame, column: str) -> pd.Series:
    """Text of a column, "" where there is none."""
    found = find_columns(frame, [column])
    if not found:
        return pd.Series("", index=frame.index, dtype=object)
    return as_text(frame[found[0]])


def _tell_repeats(ids: Texts, notes: list[str]) -> None:
    """Note how many buildings come in pieces."""
    pieces = pd.Series(ids[ids != ""]).value_counts()
    several = pieces[pieces > 1]
    if len(several):
        buildings = count_things(len(several), "building")
        notes.append(
            f"{buildings} in {int(several.sum()):,} pieces by the same objektidentitet, "
            "kept together as parts"
        )
    nameless = int((ids == "").sum())
    if nameless:
        notes.append(f"{count_things(nameless, 'building')} without objektidentitet")


def _names(frame: gpd.GeoDataFrame, notes: list[str]) -> Texts:
    """First name of each building; further ones are noted."""
    columns = [_text(frame, column).to_numpy(dtype=object) for column in NAMES]
    rows = [[name for name in row if name] for row in zip(*columns, strict=True)]
    further = [f"{row[0]}: {', '.join(row[1:])}" for row in rows if len(row) > 1]
    if further:
        count = count_things(len(further), "building")
        notes.append(f"{count} of several names, the first taken ({name_some(further)})")
    return np.array([row[0] if row else "" for row in rows], dtype=object)


def _uses(frame: gpd.GeoDataFrame, notes: list[str]) -> list[list[str]]:
    """Decode the uses of each building, the main one first."""
    columns = [_text(frame, column) for column in PURPOSES]
    fallback = _text(frame, "objekttyp")
    unknown: dict[str, None] = {}
    decoded = {}
    for told in {text for column in (*columns, fallback) for text in column if text}:
        kind, _, purpose = told.partition(";")
        decoded[told] = swedish_use(kind, purpose)
        if kind.strip().lower() not in LANTMATERIET and (
            purpose.strip().lower() not in LANTMATERIET_PURPOSES
        ):
            unknown[told] = None
    if unknown:
        count = count_things(len(unknown), "purpose")
        notes.append(f"{count} not known, taken as no use ({name_some(sorted(unknown))})")
    rows = []
    for kind, *purposes in zip(fallback, *columns, strict=True):
        words = [decoded[told] for told in purposes if told and decoded[told]]
        rows.append(words or ([decoded[kind]] if kind and decoded[kind] else []))
    mixed = sum(len(set(words)) > 1 for words in rows)
    if mixed:
        notes.append(f"{count_things(mixed, 'building')} of several uses, the first taken")
    return rows


def _accuracy(
    frame: gpd.GeoDataFrame, ids: Texts, notes: list[str]
) -> dict[str, npt.NDArray[np.float64] | Texts]:
    """How exact outlines are and what they follow."""
    plan, _ = read_numbers(frame, ("lagesosakerhetplan",), ids, notes)
    height, _ = read_numbers(frame, ("lagesosakerhethojd",), ids, notes)
    level = _text(frame, "insamlingslage").str.lower()
    outline = level.map({"fasad": "facade", "takkant": "roof edge"}).fillna("")
    known = plan[~np.isnan(plan)]
    if len(known):
        notes.append(
            f"outlines stated to be good to {np.median(known):g} m in half of the cases, "
            f"{known.max():g} m at worst; {int((known > UNCERTAIN).sum()):,} worse than "
            f"{UNCERTAIN:g} m"
        )
    for word in ("facade", "roof edge"):
        count = int((outline == word).sum())
        if count:
            notes.append(f"{count_things(count, 'outline')} follow the {word}")
    drawn = int((level == "illustrativt läge").sum())
    if drawn:
        notes.append(f"{count_things(drawn, 'outline')} only illustrative, kept")
    return {
        "uncertainty_plan": plan,
        "uncertainty_height": height,
        "outline": outline.to_numpy(dtype=object),
    }


def _year(frame: gpd.GeoDataFrame) -> int | None:
    """Year of the newest version, None where none is told."""
    years = pd.to_numeric(_text(frame, "versiongiltigfran").str[:4], errors="coerce")
    known = years[(years >= 1900) & (years <= 2100)]
    return int(known.max()) if len(known) else None
