"""Keep what systems of told size should give in every hour of the typical year.

The build knows panels as large as roofs and facades allow. Where systems say how large they
are, or are collectors, their own hours stand in a file beside it, made anew whenever things
are written by us, and not read where the things have changed since.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis.errors import SourceError
from gis.files import atomic_path
from twin import things
from twin.editions import geometry_hash
from twin.model import Model, System, SystemKind
from twin.thing import ON_SURFACES
from twin.things import sizes_of

if TYPE_CHECKING:
    from twin.build import Built
    from twin.expected import ExpectedYear
    from twin.judgement import FloatArray

FILE = "expected_systems.parquet"
"""Name of the file in the twin folder."""

WORD = b"heidi"
"""Key of what the file says of itself."""


def own_systems(model: Model) -> tuple[System, ...]:
    """Return the systems that the build's hours of buildings do not tell of.

    Collectors; and all panels of a building where any tell their size or there are several
    systems, for the build knows one of each building.

    Examples
    --------
    >>> own_systems(Model((), (), ()))
    ()
    """
    lying = [s for s in model.systems if s.kind in ON_SURFACES and s.facets]
    panels = [system for system in lying if system.kind is SystemKind.PV]
    told = {s.building for s in panels if any(sizes_of(s).values())}
    number = Counter(system.building for system in panels)
    several = {building for building, count in number.items() if count > 1}
    return tuple(
        system
        for system in lying
        if system.kind is not SystemKind.PV or system.building in told | several
    )


def write_systems(folder: Path, built: "Built", model: Model) -> int:
    """Write the hours of `own_systems`; without any, take the file away.

    Parameters
    ----------
    folder : Path
        Twin folder.
    built : Built
        The lit twin.
    model : Model
        Its things, as they stand in the folder.

    Returns
    -------
    int
        How many systems were written.

    Raises
    ------
    TableError
        If a system names facets that the twin lacks.
    OutputError
        If the file cannot be written.
    """
    own = own_systems(model)
    if not own:
        (folder / FILE).unlink(missing_ok=True)
        return 0
    import pyarrow as pa
    import pyarrow.parquet as pq

    from twin.expectation.conditions import make_conditions
    from twin.expectation.plants import place_of, plants_of
    from twin.expectation.power import expect

    place = place_of(built)
    conditions = make_conditions(
        built.weather.table,
        latitude=place.latitude,
        longitude=place.longitude,
        source=built.weather.source,
        step_minutes=60,
    )
    # The typical year is of no real one: whoever asks knows what is there when.
    plants = [
        replace(plant, since=None, until=None)
        for plant in plants_of(built, replace(model, systems=own, points=()))
    ]
    found = expect(built.light, plants, conditions, place, geometry="", version="")
    table = pa.table(
        {
            name: pa.array(np.nan_to_num(row).astype(np.float32))
            for name, row in zip(found.systems, found.power, strict=True)
        }
    )
    told = json.dumps({"key": _key(folder, own), "notes": list(found.basis.notes)})
    table = table.replace_schema_metadata({WORD: told.encode()})
    with atomic_path(folder / FILE) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return len(own)


def with_systems(year: "ExpectedYear", folder: Path) -> "ExpectedYear":
    """Return the typical year with the systems that the folder's file tells of.

    Parameters
    ----------
    year : ExpectedYear
        Of the build.
    folder : Path
        Twin folder.

    Returns
    -------
    ExpectedYear
        The same without a file, or where things or geometry have changed since. Panels
        of buildings are those of their systems that have no last day.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return year
    model = things.read_model(folder / things.FILE)
    own = own_systems(model)
    systems = _read(path, _key(folder, own), [system.id for system in own], year)
    if not systems:
        return year
    rows = {name: k for k, name in enumerate(year.buildings)}
    kw = year.kw.copy()
    panels = [s for s in own if s.kind is SystemKind.PV and s.building in rows]
    for building in {system.building for system in panels}:
        kw[rows[building]] = sum(
            systems[s.id] for s in panels if s.building == building and s.valid_to is None
        )
    return replace(year, kw=kw, systems=systems)


def _read(
    path: Path, key: str, names: list[str], year: "ExpectedYear"
) -> Mapping[str, "FloatArray"]:
    """Return the hours of each system; of none where the file is of other things."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            told = json.loads((file.schema_arrow.metadata or {}).get(WORD, b"{}"))
            if told.get("key") != key:
                return {}
            table = file.read(columns=names)
            found = {
                name: np.concatenate(
                    [np.from_dlpack(chunk) for chunk in table[name].chunks]
                ).astype(np.float64)
                for name in names
            }
    except (OSError, ValueError, KeyError, AttributeError, pa.ArrowException) as error:
        message = f"{path} must be Parquet that can be read: {error}; import things again"
        raise SourceError(message) from error
    if any(len(hours) != len(year.hours) for hours in found.values()):
        message = f"{path} must hold {len(year.hours):,} hours of each system; remove it"
        raise SourceError(message)
    return found


def _key(folder: Path, own: tuple[System, ...]) -> str:
    """Return a hash of all that the hours hang on but the program."""
    told = [[s.id, s.building, s.kind.value, list(s.facets), sizes_of(s)] for s in own]
    text = json.dumps([geometry_hash(folder), told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
