"""Examine every part of a model for faults."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.errors import GeometryError
from gis.faults import count_things
from meshes.polygons import IntArray
from meshes.predicates.codes import Code, Fault
from meshes.predicates.faces import face_faults
from meshes.predicates.laws import kind_faults, law_faults
from meshes.predicates.rings import ring_faults
from meshes.predicates.shells import shell_faults
from meshes.predicates.skin import BoolArray, lay_open
from meshes.predicates.solids import overlap_faults, solid_faults
from meshes.solids import Solids

TOLERANCE = 0.01
"""Distance from a plane that is allowed [m]; the default of val3dity."""

COLUMNS = ("number", "part", "code", "name", "faces", "x", "y", "z", "amount", "words")


@dataclass(frozen=True)
class Examination:
    """What is wrong with a model.

    Attributes
    ----------
    parts : tuple of str
        Ids of the parts that were examined.
    table : DataFrame
        One row per fault: ``number`` (index into ``parts``), ``part`` (its id), ``code``
        and ``name`` (see `Code`), ``faces`` (tuple of int), ``x``, ``y``, ``z`` (a point
        to look at: easting, northing in EPSG:3008 and height in RH2000 [m]), ``amount``,
        and ``words``, which explain it.
    notes : tuple of str
        Sentences with counts.
    """

    parts: tuple[str, ...]
    table: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def valid(self) -> BoolArray:
        """(parts,) bool: without any fault."""
        return self._without(self.table["number"].to_numpy(np.int64))

    @property
    def solid(self) -> BoolArray:
        """(parts,) bool: a sound solid, whether or not it keeps the project's own laws."""
        own = [Code(code).is_own_law for code in self.table["code"]]
        numbers = self.table["number"].to_numpy(np.int64)
        return self._without(numbers[~np.array(own, np.bool_)])

    def _without(self, numbers: IntArray) -> BoolArray:
        """Return which parts are not among some."""
        valid = np.ones(len(self.parts), np.bool_)
        valid[numbers] = False
        return valid

    def counts(self) -> dict[Code, int]:
        """Return how many parts have each fault, by code."""
        pairs = self.table.drop_duplicates(["number", "code"])
        codes, numbers = np.unique(pairs["code"].to_numpy(np.int64), return_counts=True)
        return {Code(c): n for c, n in zip(codes.tolist(), numbers.tolist(), strict=True)}


def examine(
    solids: Solids, *, tolerance: float = TOLERANCE, between_parts: bool = False
) -> Examination:
    """Decide whether each part is one sound body, and explain what is wrong.

    Parameters
    ----------
    solids : Solids
        Any number of faces and parts.
    tolerance : float
        Largest distance of a corner from the plane of its face [m].
    between_parts : bool
        Ask too whether parts fill each other's space, deeper than the tolerance.

    Returns
    -------
    Examination

    Raises
    ------
    GeometryError
        If the tolerance is not positive, or faces lack a kind or a part.

    Notes
    -----
    A part is asked level by level - rings, faces, shells, solid, laws - and no further
    than the first level with a fault, because the next level would make no sense. So a
    part that is mended may show another fault. Corners meet where their coordinates are
    equal bit by bit; nothing is snapped.
    """
    if not tolerance > 0:
        message = f"tolerance must be above 0 m, got {tolerance} m"
        raise GeometryError(message)
    skin = lay_open(solids)
    sound = np.ones(len(solids.parts), np.bool_)
    found: list[Fault] = list(kind_faults(skin))
    named = sound.copy()
    named[[fault.part for fault in found]] = False
    strange = len(found)

    def keep(faults: Iterable[Fault]) -> None:
        """Collect faults of one level, before the next one is asked."""
        some = list(faults)
        found.extend(some)
        sound[[fault.part for fault in some]] = False

    keep(ring_faults(skin))
    whole = np.ones(len(solids.faces), np.bool_)
    whole[[face for fault in found[strange:] for face in fault.faces]] = False
    keep(face_faults(skin, whole, tolerance=tolerance))
    keep(shell_faults(skin, sound.copy()))
    keep(solid_faults(skin, sound.copy()))
    if between_parts:
        keep(overlap_faults(skin, sound.copy(), tolerance=tolerance))
    keep(law_faults(skin, sound & named))
    found.sort(key=lambda fault: (fault.part, fault.code))
    table = _table(solids, found)
    return Examination(solids.parts, table, _notes(solids, found))


def invalid_parts(
    solids: Solids, *, tolerance: float = TOLERANCE, laws: bool = True
) -> IntArray:
    """Return the parts that must not be written.

    Parameters
    ----------
    solids : Solids
    tolerance : float
        As for `examine` [m].
    laws : bool
        Ask for the laws of this project too, not only for sound solids; models of others
        need not keep them.

    Returns
    -------
    (n,) int
        Indices into ``solids.parts``, rising; empty if all are sound.
    """
    examination = examine(solids, tolerance=tolerance)
    return np.flatnonzero(~(examination.valid if laws else examination.solid))


def _table(solids: Solids, faults: list[Fault]) -> pd.DataFrame:
    """Return one row per fault."""
    rows = [
        (
            fault.part,
            solids.parts[fault.part],
            int(fault.code),
            fault.code.name,
            fault.faces,
            *(fault.where + solids.origin).tolist(),
            fault.amount,
            fault.words,
        )
        for fault in faults
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(dict.fromkeys(("x", "y", "z", "amount"), np.float64)).astype(
        {"number": np.int64, "code": np.int64}
    )


def _notes(solids: Solids, faults: list[Fault]) -> tuple[str, ...]:
    """Count what was found."""
    total = count_things(len(solids.parts), "part")
    bad = len({fault.part for fault in faults})
    if not bad:
        return (f"{total} examined, all sound",)
    counts = Counter(fault.code for fault in {(f.part, f.code): f for f in faults}.values())
    return (
        f"{bad:,} of {total} examined with faults",
        *(
            f"{code.value} {code.name}: {count_things(counts[code], 'part')}"
            for code in sorted(counts)
        ),
    )
