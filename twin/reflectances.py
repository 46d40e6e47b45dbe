"""Tell how much light the surfaces of a twin reflect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gis.attributes import ID_COLUMNS, as_text, find_columns
from gis.errors import GeometryError, TableError, UnknownIdError
from gis.faults import name_some
from gis.sources.buildings import read_buildings
from meshes.polygons import FloatArray
from meshes.solar.albedo import GroundAlbedo, read_albedo
from meshes.solar.irradiance import FACADE_ALBEDO
from meshes.solar.materials import Reflectance, read_reflectance
from meshes.solids import Kind, Solids
from twin.light_files import read_columns
from twin.tables import Column, Provenance, write_rows

FILE = "reflectances.parquet"
"""Reflectances of single parts, where some are known."""

GROUND, WALL, ROOF = "ground", "wall", "roof"
KINDS = (GROUND, WALL, ROOF)
"""Kinds of surfaces that people may tell the reflectance of."""

OF_PARTS = (WALL, ROOF)
ASSUMED = Reflectance(FACADE_ALBEDO, "assumed")

COLUMNS = (
    Column("part", pa.string(), "", "building part"),
    Column("wall", pa.float64(), "1", "share of light that its walls reflect"),
    Column("wall_source", pa.string(), "", "where that comes from"),
    Column("roof", pa.float64(), "1", "share of light that its roofs reflect"),
    Column("roof_source", pa.string(), "", "where that comes from"),
)


@dataclass(frozen=True)
class Reflectances:
    """Reflectances of ground, walls and roofs.

    Attributes
    ----------
    ground : GroundAlbedo
        Of the ground, month by month.
    wall, roof : Reflectance
        Of the surfaces of which nothing else is told.
    parts : DataFrame or None
        Index ``part`` (those of the buildings), columns ``wall``, ``wall_source``,
        ``roof``, ``roof_source``; None where no part has its own.
    notes : tuple of str
        What was found in columns, in sentences.
    """

    ground: GroundAlbedo = field(default_factory=GroundAlbedo)
    wall: Reflectance = ASSUMED
    roof: Reflectance = ASSUMED
    parts: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_default(self) -> bool:
        """Whether all is as assumed where nothing is told."""
        return self.parts is None and self == Reflectances()

    def of_polygons(self, solids: Solids, count: int) -> float | FloatArray:
        """Return the reflectance of polygons that begin with the faces of solids.

        Parameters
        ----------
        solids : Solids
            The buildings.
        count : int
            Number of all polygons; those behind the faces (bridges) count as walls.

        Returns
        -------
        float or (count,) float
            One number where all are the same.
        """
        if self.parts is None and self.wall.value == self.roof.value:
            return self.wall.value
        found = np.full(count, self.wall.value)
        is_roof = solids.kind == Kind.ROOF
        faces = np.where(is_roof, self.roof.value, self.wall.value)
        if self.parts is not None:
            table = self.parts.reindex(list(solids.parts))
            own = np.where(
                is_roof,
                table[ROOF].to_numpy(np.float64)[solids.part],
                table[WALL].to_numpy(np.float64)[solids.part],
            )
            faces = np.where(np.isnan(own), faces, own)
        found[: len(faces)] = faces
        return found

    def sentence(self) -> str:
        """Say what reflects how much, and why, for a report."""
        months = self.ground.months
        low, high = min(months), max(months)
        light = "of the light" if low == high else f"to {high:.0%} of the light by month"
        told = (
            f"The ground reflects {low:.0%} {light} ({self.ground.source}), walls "
            f"{self.wall.value:.0%} ({self.wall.source}), roofs {self.roof.value:.0%} "
            f"({self.roof.source})"
        )
        if self.parts is not None:
            counts = [
                f"{kind}s of {count:,} parts"
                for kind in OF_PARTS
                if (count := int((self.parts[f"{kind}_source"] != "").sum()))
            ]
            told += f"; {' and '.join(counts)} have their own"
        return told


def read_reflectances(
    albedo: str | None,
    snow: str | None,
    kinds: Sequence[str],
) -> Reflectances:
    """Read reflectances as people write them.

    Parameters
    ----------
    albedo, snow : str, optional
        Of the ground: see `meshes.solar.albedo.read_albedo`.
    kinds : sequence of str
        ``KIND=VALUE`` with a kind of `KINDS` and a number or a material.

    Raises
    ------
    TableError, GeometryError, UnknownIdError, WeatherError
        If something cannot be read so.
    """
    told = read_pairs(kinds, "--reflectance", "wall=0.3 or roof=sedumtak", KINDS)
    if albedo is not None and GROUND in told:
        message = "the ground is told twice, by --albedo and --reflectance; leave one out"
        raise TableError(message)
    default = GroundAlbedo()
    text = told.get(GROUND, albedo)
    ground = default
    if text is not None or snow is not None:
        bare = str(default.months[0]) if text is None else text
        ground = read_albedo(bare, snow=snow)
        if text is None:
            ground = replace(ground, source=ground.source.replace("given", "assumed", 1))
    wall, roof = (
        read_reflectance(told[kind]) if kind in told else ASSUMED for kind in OF_PARTS
    )
    return Reflectances(ground, wall, roof)


def read_pairs(
    texts: Sequence[str], option: str, example: str, kinds: tuple[str, ...]
) -> dict[str, str]:
    """Read ``KIND=VALUE`` texts; raises TableError."""
    found: dict[str, str] = {}
    for text in texts:
        kind, separator, value = text.partition("=")
        kind, value = kind.strip().lower(), value.strip()
        if not separator or kind not in kinds or not value or kind in found:
            message = (
                f"{option} must be KIND=VALUE with each kind of {', '.join(kinds)} once, "
                f"got {text[:60]!r}; write {example}"
            )
            raise TableError(message)
        found[kind] = value
    return found


def tell_parts(
    base: Reflectances,
    buildings: pd.DataFrame,
    source: Path,
    columns: Mapping[str, str],
) -> Reflectances:
    """Give single parts what columns of their source say of materials.

    Parameters
    ----------
    base : Reflectances
        Of all other surfaces.
    buildings : DataFrame
        Index ``part``, columns ``building`` and ``given``, as in `gis.district.District`.
    source : Path
        File that the buildings were read from.
    columns : mapping of str to str
        For ``wall`` and ``roof`` the column with materials or numbers.

    Raises
    ------
    TableError
        If a column is missing, no row has an identity or none of the values is known.
    """
    frame = pd.DataFrame(read_buildings(source).frame.drop(columns="geometry"))
    table: dict[str, pd.Series] = {}
    index, notes = buildings.index, []
    for kind in OF_PARTS:
        values = pd.Series(np.nan, index=index)
        sources = pd.Series("", index=index, dtype=object)
        if kind in columns:
            words = _words_of_parts(frame, buildings, columns[kind], source)
            known, unknown = _known_words(words)
            if not known:
                message = (
                    f"column {columns[kind]} of {source.name} must name materials or give "
                    f"shares of light, got {name_some(unknown) or 'nothing'}; see "
                    "docs/solar.md for the names"
                )
                raise TableError(message)
            values = words.map({word: one.value for word, one in known.items()})
            sources = words.map({word: one.source for word, one in known.items()})
            sources = sources.fillna("").astype(object)
            notes.append(
                f"Reflectance of {kind}s by column {columns[kind]} for "
                f"{int(values.notna().sum()):,} of {len(index):,} parts"
                + (f"; not understood: {name_some(unknown)}" if unknown else "")
                + "."
            )
        table[kind], table[f"{kind}_source"] = values.astype(float), sources
    parts = pd.DataFrame(table, index=index)
    return replace(base, parts=parts, notes=(*base.notes, *notes))


def _words_of_parts(
    frame: pd.DataFrame, buildings: pd.DataFrame, column: str, source: Path
) -> "pd.Series[str]":
    """Return what a column says of each part, "" where nothing, by their identities."""
    found = find_columns(frame, [column.lower()])
    if not found:
        message = (
            f"{source.name} must have the column {column}, got "
            f"{name_some([str(name) for name in frame.columns])}; name another"
        )
        raise TableError(message)
    texts = as_text(frame[found[0]])
    words = pd.Series("", index=buildings.index, dtype=object)
    keys = (
        pd.Series(buildings.index.astype(str), index=buildings.index),
        as_text(buildings["given"]),
        as_text(buildings["building"]),
    )
    for name in find_columns(frame, ["building", *ID_COLUMNS]):
        ids = as_text(frame[name])
        kept = (ids != "") & (texts != "")
        by_id = dict(zip(ids[kept][::-1], texts[kept][::-1], strict=True))
        for key in keys:
            words = words.where(words != "", key.map(by_id).fillna(""))
    return words


def _known_words(words: "pd.Series[str]") -> tuple[dict[str, Reflectance], list[str]]:
    """Return what words mean, and those that mean nothing."""
    known: dict[str, Reflectance] = {}
    unknown = []
    for word in sorted(set(words) - {""}):
        try:
            known[word] = read_reflectance(word)
        except (UnknownIdError, GeometryError):
            unknown.append(word)
    return known, unknown


def describe(told: Reflectances) -> dict[str, object]:
    """Return what ``heidi.toml`` says of reflectances: see `described`."""
    return {
        "albedo": list(told.ground.months),
        "albedo_source": told.ground.source,
        "wall_reflectance": told.wall.value,
        "wall_reflectance_source": told.wall.source,
        "roof_reflectance": told.roof.value,
        "roof_reflectance_source": told.roof.source,
        "parts_reflect": told.parts is not None,
        "reflectance_notes": list(told.notes),
    }


def described(folder: Path, light: Mapping[str, Any]) -> Reflectances:
    """Return the reflectances of a twin folder from what `describe` wrote.

    Raises
    ------
    SourceError
        If the table of the parts cannot be read.
    """
    if "albedo" not in light:
        return Reflectances()
    parts = None
    if light["parts_reflect"]:
        columns = [column.name for column in COLUMNS]
        parts = read_columns(folder / FILE, columns).to_pandas().set_index("part")
    return Reflectances(
        GroundAlbedo(tuple(map(float, light["albedo"])), light["albedo_source"]),
        Reflectance(float(light["wall_reflectance"]), light["wall_reflectance_source"]),
        Reflectance(float(light["roof_reflectance"]), light["roof_reflectance_source"]),
        parts,
        tuple(light["reflectance_notes"]),
    )


def write_parts(path: Path, told: Reflectances, *, provenance: Provenance) -> None:
    """Write the reflectances of single parts; raises OutputError if that fails."""
    assert told.parts is not None, "only where some are known"
    table = told.parts.rename_axis("part").reset_index()
    write_rows(path, table, COLUMNS, "reflectances of parts", provenance)
