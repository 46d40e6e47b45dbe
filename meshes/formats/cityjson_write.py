"""Write a city model back, unchanged but for the results added to it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gis.errors import SourceError, TableError
from gis.faults import name_some
from gis.files import atomic_path
from gis.sources.json_text import mapping, sequence
from meshes.formats.cityjson_bodies import DEPTHS
from meshes.formats.cityjson_model import CityModel, Json
from meshes.formats.cityjson_values import known
from meshes.polygons import FloatArray
from meshes.solids import Kind

SURFACES = {
    Kind.ROOF: "RoofSurface",
    Kind.WALL: "WallSurface",
    Kind.GROUND: "GroundSurface",
    Kind.UNDERSIDE: "OuterCeilingSurface",
}

BY_DIRECTION = "direction of the face"
"""How the kind of a surface is known that the file did not label."""


@dataclass(frozen=True)
class CityResults:
    """Results on a city model.

    Attributes
    ----------
    objects : DataFrame or None
        Its index holds ids of city objects; every column becomes an attribute of its
        name. Missing values are left out, fractions rounded to 0.001.
    faces : DataFrame or None
        One row for each face of ``model.solids``, in their order; every column, of
        numbers, becomes an attribute of the face's semantic surface, as the mean over the
        area that has it. Missing values are left out.
    """

    objects: pd.DataFrame | None = None
    faces: pd.DataFrame | None = None


def write_city_model(
    path: Path,
    model: CityModel,
    results: CityResults | None = None,
    *,
    split: bool = False,
) -> None:
    """Write a city model with all that it held when it was read.

    Parameters
    ----------
    path : Path
        Usually ends in ``.city.json``, or ``.city.jsonl`` if CityJSONSeq was read.
    model : CityModel
        As it was read.
    results : CityResults, optional
        What to add.
    split : bool
        Whether faces that share one semantic surface get one each, with all that was
        told of the shared one, so that each keeps its own results; by default the shared
        one tells their mean.

    Raises
    ------
    TableError
        If results do not belong to the model, are infinite, or bear names that are taken.
    SourceError
        If the model holds numbers that JSON does not know.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Version, coordinates, transform, levels of detail, semantics, appearance, extensions,
    metadata and everything unknown stay as they were. Geometry without semantics gets
    one surface a face, of the kind taken for the light, marked with
    ``"type_source": "direction of the face"``.
    """
    documents = list(model.documents)
    if results is not None:
        documents = _with_results(model, results, split=split)
    try:
        lines = [
            json.dumps(each, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            for each in documents
        ]
    except ValueError as error:
        message = (
            f"{model.name} must hold finite numbers to be written, it holds NaN or "
            "infinity; mend its attributes"
        )
        raise SourceError(message) from error
    text = "\n".join(lines) + "\n" * (len(lines) > 1)
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())


def _with_results(model: CityModel, results: CityResults, *, split: bool) -> list[Json]:
    """Return the documents with results; what is not changed is shared with the model."""
    attributes = _object_attributes(model, results.objects)
    surfaces = _surface_attributes(model, results.faces)
    documents: list[Json] = []
    done: set[str] = set()
    for document in model.documents:
        objects = dict(mapping(document.get("CityObjects")))
        for name in [*objects]:
            if name in done:
                continue
            done.add(name)
            thing = mapping(objects[name])
            if attributes.get(name):
                thing = _with_attributes(name, thing, attributes[name])
            if name in surfaces:
                thing = _with_surfaces(name, thing, surfaces[name], split=split)
            objects[name] = thing
        documents.append({**document, "CityObjects": objects})
    return documents


def _object_attributes(model: CityModel, table: pd.DataFrame | None) -> dict[str, Json]:
    """Return the results of each object."""
    if table is None:
        return {}
    there = {
        name
        for document in model.documents
        for name in mapping(document.get("CityObjects"))
    }
    unknown = [name for name in table.index if name not in there]
    repeated = table.index[table.index.duplicated()]
    for what, ids in (("unknown", unknown), ("repeated", repeated)):
        if len(ids):
            message = (
                f"results must have one row per object of {model.name}, got {len(ids)} "
                f"{what} ids: {name_some(ids)}"
            )
            raise TableError(message)
    names = [str(name) for name in table.columns]
    columns = [table[name].tolist() for name in table.columns]
    return {
        str(identity): known(zip(names, row, strict=True))
        for identity, row in zip(table.index, zip(*columns, strict=True), strict=True)
    }


def _with_attributes(name: str, thing: Json, added: Json) -> dict[str, object]:
    """Return an object with more attributes."""
    attributes = mapping(thing.get("attributes"))
    taken = sorted(set(added) & set(attributes))
    if taken:
        message = (
            f"results must not replace what a model tells, object {name} has "
            f"{name_some(taken)}; rename the columns"
        )
        raise TableError(message)
    return {**thing, "attributes": {**attributes, **added}}


@dataclass(frozen=True)
class _Told:
    """What is told of the surfaces of one geometry.

    Attributes
    ----------
    position : int
        Place of the geometry in the list of its object.
    sums, weights : dict of (n,) float
        For each column and surface, values times areas, and the areas.
    kind : (n,) int
        `Kind` of each surface; -1 where it has no face.
    """

    position: int
    sums: dict[str, FloatArray]
    weights: dict[str, FloatArray]
    kind: list[int]

    def of(self, members: Sequence[int]) -> Json:
        """Return the means over some surfaces."""
        chosen = list(members)
        told = []
        for column, sums in self.sums.items():
            weight = float(self.weights[column][chosen].sum())
            told.append((column, float(sums[chosen].sum()) / weight if weight else None))
        return known(told)


def _surface_attributes(model: CityModel, table: pd.DataFrame | None) -> dict[str, _Told]:
    """Return the results of the surfaces of each object."""
    if table is None:
        return {}
    solids = model.solids
    if len(table) != len(solids.faces):
        message = (
            f"results must have one row per face of the model's {len(solids.faces)}, got "
            f"{len(table)}; make them from this model"
        )
        raise TableError(message)
    values = {
        str(column): pd.to_numeric(table[column]).to_numpy(np.float64)
        for column in table.columns
    }
    order = np.argsort(solids.part, kind="stable")
    bounds = np.searchsorted(solids.part[order], np.arange(len(solids.parts) + 1))
    told: dict[str, _Told] = {}
    for part, identity in enumerate(solids.parts):
        faces = order[bounds[part] : bounds[part + 1]]
        faces = faces[model.surface[faces] >= 0]
        if not len(faces):
            continue
        number, area = model.surface[faces], solids.faces.area[faces]
        sums: dict[str, FloatArray] = {}
        weights: dict[str, FloatArray] = {}
        for column, value in values.items():
            has = ~np.isnan(value[faces])
            filled = np.where(has, value[faces], 0.0)
            weights[column] = np.bincount(number, area * has).astype(np.float64)
            sums[column] = np.bincount(number, area * filled).astype(np.float64)
        kind = np.full(int(number.max()) + 1, -1)
        kind[number] = solids.kind[faces]
        told[identity] = _Told(int(model.geometry[part]), sums, weights, kind.tolist())
    return told


def _with_surfaces(
    name: str, thing: Json, told: _Told, *, split: bool
) -> dict[str, object]:
    """Return an object whose geometry tells results of its surfaces."""
    listed = sequence(thing.get("geometry"))
    geometry = mapping(listed[told.position])
    levels = DEPTHS[str(geometry["type"])] + 1
    boundaries = geometry["boundaries"]
    semantics = mapping(geometry.get("semantics"))
    surfaces = [mapping(surface) for surface in sequence(semantics.get("surfaces"))]
    values = semantics.get("values")
    if surfaces:
        value = list(_flat(boundaries, values, levels))
        if split:
            value = _split(surfaces, value)
            values = _nested(boundaries, iter(value), levels)
        members: dict[int, list[int]] = {}
        for number, each in enumerate(value[: len(told.kind)]):
            if type(each) is int and 0 <= each < len(surfaces):
                members.setdefault(each, []).append(number)
        for each, mine in members.items():
            surfaces[each] = _merged(name, surfaces[each], told.of(mine))
    else:
        value = []
        for number, kind in enumerate(told.kind):
            value.append(None if kind < 0 else len(surfaces))
            if kind >= 0:
                described = {"type": SURFACES[Kind(kind)], "type_source": BY_DIRECTION}
                surfaces.append({**described, **told.of([number])})
        values = _nested(boundaries, iter(value), levels)
    changed = [*listed]
    changed[told.position] = {
        **geometry,
        "semantics": {**semantics, "surfaces": surfaces, "values": values},
    }
    return {**thing, "geometry": changed}


def _merged(name: str, surface: Json, added: Json) -> dict[str, object]:
    """Return a semantic surface with results."""
    taken = sorted(set(added) & set(surface))
    if taken:
        message = (
            f"results must not replace what a model tells, a surface of object {name} has "
            f"{name_some(taken)}; rename the columns"
        )
        raise TableError(message)
    return {**surface, **added}


def _split(surfaces: list[dict[str, object]], value: list[object]) -> list[object]:
    """Append a copy of each shared surface for every face but its first; renumber."""
    seen: set[int] = set()
    renumbered: list[object] = []
    count = len(surfaces)
    for each in value:
        if type(each) is not int or not 0 <= each < count:
            renumbered.append(each)
        elif each in seen:
            renumbered.append(len(surfaces))
            surfaces.append(surfaces[each])
        else:
            seen.add(each)
            renumbered.append(each)
    return renumbered


def _flat(boundaries: object, values: object, levels: int) -> Iterator[object]:
    """Yield the value of each surface of nested boundaries, None where none is told."""
    inside, told = sequence(boundaries), sequence(values)
    told = told + [None] * (len(inside) - len(told))
    for boundary, value in zip(inside, told, strict=False):
        if levels == 1:
            yield value
        else:
            yield from _flat(boundary, value, levels - 1)


def _nested(boundaries: object, values: Iterator[object], levels: int) -> list[object]:
    """Nest values as the boundaries are; None for surfaces beyond the last value."""
    return [
        next(values, None) if levels == 1 else _nested(boundary, values, levels - 1)
        for boundary in sequence(boundaries)
    ]
