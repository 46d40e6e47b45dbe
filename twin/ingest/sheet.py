"""Hold a table on its way in: its values, the ways they take, and what is refused."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twin.ingest.checks import Refusal, Way, source_of
from twin.ingest.cleaning import Finding
from twin.ingest.exports import Export, Series
from twin.ingest.letters import row_text
from twin.ingest.payloads import native
from twin.ingest.payloads.collector import ENCODER
from twin.ingest.readings import Reading
from twin.live import SIMULATED
from twin.store.records import Observation, Quality, Receipt, Refused

if TYPE_CHECKING:
    import pyarrow as pa

MOST_REFUSED = 1_000
"""Rows of a file and reason that are put aside singly; the others as one row that counts
them: the file has them all."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass
class Load:
    """What became of a table.

    Attributes
    ----------
    new, repeated, revised : int
        As of `twin.store.records.Receipt`.
    unwanted : int
        Values that the mapping knows and does not want.
    reasons : dict of str to int
        Rows that were refused by reason.
    refused : list of Refused
        The first of them, as they lie in the quarantine.
    findings : list of Finding
        What cleaning found.
    """

    new: int = 0
    repeated: int = 0
    revised: int = 0
    unwanted: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, receipt: Receipt) -> None:
        """Add the counts of a commit."""
        self.new += receipt.new
        self.repeated += receipt.repeated
        self.revised += receipt.revised

    def count(self, reason: str, rows: int = 1) -> None:
        """Count refused rows."""
        self.reasons[reason] = self.reasons.get(reason, 0) + rows

    @property
    def rows(self) -> int:
        """All rows that were looked at."""
        kept = self.new + self.repeated + self.revised
        return kept + self.unwanted + sum(self.reasons.values())


@dataclass
class Sheet:
    """A table on its way in.

    Attributes
    ----------
    export : Export
        The table as it was read.
    origin : str
        Name of its file.
    load : Load
        What becomes of it, counted.
    aside : list of Refused
        Rows that go into quarantine with the next batch.
    ways : list of Way
        Ways that its rows take.
    """

    export: Export
    origin: str
    load: Load
    aside: list[Refused]
    ways: list[Way] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take a copy of the values, which become those of the points."""
        self.value: FloatArray = self.export.value.copy()
        self.flags = np.zeros(len(self.value), np.int64)
        self.singly: dict[str, int] = {}

    def refuse(self, row: int, refusal: Refusal) -> None:
        """Put a row aside, singly while they are few."""
        reason = refusal.reason.value
        self.load.count(reason)
        self.singly[reason] = self.singly.get(reason, 0) + 1
        if self.singly[reason] > MOST_REFUSED:
            if self.singly[reason] == MOST_REFUSED + 1:
                text = f"more than {MOST_REFUSED} rows of {self.origin} were refused so"
                self.aside.append(
                    Refused(row, reason, text, "the file has them", self.origin)
                )
            return
        export = self.export
        series = export.series[export.place[row]]
        value = float(export.value[row])
        reading = Reading(
            series.device,
            series.name,
            int(export.time[row]),
            None if np.isnan(value) else value,
            series.unit,
            0 if export.version is None else int(export.version[row]),
            0 if export.quality is None else int(export.quality[row]),
            "" if export.source is None else str(export.source[row]),
        )
        told = native.encode(reading)
        self.aside.append(
            Refused(
                int(export.line[row]),
                reason,
                str(refusal),
                row_text(told),
                self.origin,
                native.FORM,
                ENCODER.encode(told),
            )
        )

    def refuse_series(self, series: Series, refusal: Refusal, rows: IntArray) -> None:
        """Put all values of a series aside as one row: the file has them."""
        self.load.count(refusal.reason.value, len(rows))
        row = {"device": series.device, "name": series.name, "unit": series.unit}
        text = ENCODER.encode({**row, "values": len(rows)}).decode(errors="replace")
        first = int(self.export.line[rows[0]])
        self.aside.append(
            Refused(first, refusal.reason.value, str(refusal), text[:500], self.origin)
        )

    def named(self, rows: IntArray) -> IntArray:
        """Return the rows whose source can be taken, and call it as the store does."""
        told = self.export.source
        if told is None:
            return rows
        names, place = np.unique(told.astype(str), return_inverse=True)
        taken: list[object] = []
        for name in names.tolist():
            try:
                taken.append(source_of(name, simulated=False) if name else "")
            except Refusal as refusal:
                taken.append(refusal)
        is_bad = np.array([isinstance(one, Refusal) for one in taken], dtype=bool)[place]
        for row in rows[is_bad[rows]].tolist():
            why = taken[place[row]]
            if isinstance(why, Refusal):
                self.refuse(row, why)
        words = np.array(["" if isinstance(one, Refusal) else one for one in taken], object)
        self.export = replace(self.export, source=words[place])
        good: IntArray = rows[~is_bad[rows]]
        return good

    def is_simulated(self, rows: IntArray, source: str) -> BoolArray:
        """Say which rows are made up."""
        found = np.full(len(rows), source == SIMULATED)
        if self.export.source is not None:
            told = self.export.source[rows]
            found = np.where(told == "", found, told == SIMULATED).astype(bool)
        if self.export.quality is not None:
            found |= (self.export.quality[rows] & Quality.SIMULATED.value) > 0
        return found

    def all_simulated(self, source: str) -> bool:
        """Say whether every row is made up."""
        return bool(self.is_simulated(np.arange(len(self.value)), source).all())

    def columns(
        self, rows: IntArray, source: str
    ) -> tuple[list[str] | str, IntArray, IntArray]:
        """Return sources, flags and versions of rows."""
        export = self.export
        made_up = self.is_simulated(rows, source)
        quality = self.flags[rows]
        if export.quality is not None:
            quality |= export.quality[rows]
        quality[made_up] |= Quality.SIMULATED.value
        version = (
            np.zeros(len(rows), np.int64)
            if export.version is None
            else export.version[rows]
        )
        if export.source is None and not made_up.any():
            return source, quality, version
        told = (
            np.full(len(rows), source, dtype=object)
            if export.source is None
            else np.where(export.source[rows] == "", source, export.source[rows])
        )
        told[made_up] = SIMULATED
        return [str(one) for one in told], quality, version

    def observations(
        self, way_of: IntArray, rows: IntArray, source: str
    ) -> list[Observation]:
        """Return rows as statements."""
        told, quality, version = self.columns(rows, source)
        sources = [told] * len(rows) if isinstance(told, str) else told
        return [
            Observation(self.ways[way].point, time, value, source, flags, rank)
            for way, time, value, source, flags, rank in zip(
                way_of[rows].tolist(),
                self.export.time[rows].tolist(),
                self.value[rows].tolist(),
                sources,
                quality.tolist(),
                version.tolist(),
                strict=True,
            )
        ]

    def table(self, way_of: IntArray, rows: IntArray, source: str) -> "pa.Table":
        """Return rows as a table for the store."""
        import pyarrow as pa

        told, quality, version = self.columns(rows, source)
        names = pa.array([way.point for way in self.ways])
        point = pa.DictionaryArray.from_arrays(way_of[rows].astype(np.int32), names)
        sources = (
            pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), pa.array([told]))
            if isinstance(told, str)
            else pa.array(told)
        )
        return pa.table(
            {
                "point": point,
                "time": self.export.time[rows],
                "value": self.value[rows],
                "source": sources,
                "quality": quality.astype(np.int32),
                "version": version,
            }
        )
