"""Hold messages that were opened, and the statements they make, on their way in."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from twin.ingest.checks import Refusal, Way
from twin.ingest.payloads import native, senml
from twin.ingest.payloads.collector import ENCODER
from twin.ingest.readings import Decoded
from twin.store.records import Observation, Quality, Refused

if TYPE_CHECKING:
    import pyarrow as pa

Cell = TypeVar("Cell")

TOPIC = " topic "
"""Stands between the address and the topic in the origin of a refused row."""

ARRIVED = "arrived_us"
"""Field of a refused row without a time: when it came [microseconds since 1970, UTC]."""

ROW_LENGTH = 500
"""Characters kept of a refused row."""

_CLOCK = Quality.CLOCK.value


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was sent.

    Attributes
    ----------
    body : bytes
        As it came.
    origin : str
        Where it came from: an address, a file.
    topic : str
        Topic or address that it was sent to.
    content_type : str
        As told with it.
    arrived : int
        When it came [microseconds since 1970, UTC]; 0 is now.
    form : str
        Name of its form where that is known (`twin.ingest.payloads.forms.FORMS`).
    """

    body: bytes
    origin: str
    topic: str = ""
    content_type: str = ""
    arrived: int = 0
    form: str = ""


@dataclass(slots=True)
class Letter:
    """A message that was opened.

    Attributes
    ----------
    message : Message
    decoded : Decoded
        What it says.
    start : int
        Number of its first row in the batch.
    arrived : int
        When it came [microseconds since 1970, UTC].
    """

    message: Message
    decoded: Decoded
    start: int
    arrived: int
    _numbers: list[int] | None = None

    @property
    def rows(self) -> int:
        """How many rows the message has; decoders may leave numbers out."""
        refused = self.decoded.refused
        last = max((row.number for row in refused), default=0)
        return max(len(self.decoded.readings) + len(refused), last + 1)

    @property
    def origin(self) -> str:
        """Where the message came from, with its topic."""
        message = self.message
        if not message.topic:
            return message.origin
        return f"{message.origin}{TOPIC}{message.topic}"

    @property
    def is_bare(self) -> bool:
        """Whether the message is a number and nothing else."""
        return self.message.body.lstrip()[:1] not in (b"{", b"[")

    @property
    def by_arrival(self) -> bool:
        """Whether the message says that values without a time are of its arrival.

        SenML does (RFC 8428: no time is now), and so does who publishes on our topics.
        """
        form = self.decoded.form
        return form == senml.FORM or bool(
            form in (native.FORM, native.LINES)
            and native.point_of_topic(self.message.topic)
        )

    def put_aside(self, place: int, refusal: Refusal) -> Refused:
        """Return a reading as refused row that can be fed again by itself."""
        if self._numbers is None:
            gone = {row.number for row in self.decoded.refused}
            self._numbers = [number for number in range(self.rows) if number not in gone]
        reading = self.decoded.readings[place]
        row = native.encode(reading)
        if reading.time is None and self.by_arrival:
            # Fed again it must be of the same time, or it would be another statement.
            row |= {"time_us": self.arrived, "quality": reading.quality | _CLOCK}
        elif reading.time is None:
            # Two that came one after the other are two, though they say the same; and a
            # mapping that lets the arrival count must find it when the row is fed again.
            row[ARRIVED] = self.arrived
        return Refused(
            self.start + self._numbers[place],
            refusal.reason.value,
            str(refusal),
            row_text(row),
            origin=self.origin,
            form=native.FORM,
            payload=ENCODER.encode(row),
        )


@dataclass(slots=True)
class Batch:
    """Statements of several messages that hold by themselves, in columns.

    Attributes
    ----------
    way : list of int
        Number of the way of each.
    time, value, source, quality, version : list
        As of `Observation`; a gap is None.
    letters, places : list of int
        Which reading of which message each is.
    opened : list of Letter
        The messages.
    refused : list of Refused
        What does not hold by itself.
    count, unwanted : int
        Rows of all messages; values that the mapping knows and does not want.
    """

    way: list[int] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    source: list[str] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    version: list[int] = field(default_factory=list)
    letters: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    opened: list[Letter] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    count: int = 0
    unwanted: int = 0

    def open(self, message: Message, decoded: Decoded, arrived: int) -> Letter:
        """Add a message, with the rows that its decoder refused."""
        letter = Letter(message, decoded, self.count, arrived)
        self.opened.append(letter)
        self.count += letter.rows
        origin = letter.origin
        self.refused += [
            Refused(
                letter.start + row.number,
                row.reason,
                row.message,
                row.row,
                origin,
                row.form,
                row.payload,
            )
            for row in decoded.refused
        ]
        return letter

    def extend(
        self,
        way: list[int],
        time: list[int],
        value: list[float | None],
        source: list[str],
        quality: list[int],
        version: list[int],
        places: list[int] | None,
    ) -> None:
        """Add the readings of the last message, or those at some places."""

        def some(column: list[Cell]) -> list[Cell]:
            return column if places is None else [column[place] for place in places]

        self.way += some(way)
        self.time += some(time)
        self.value += some(value)
        self.source += some(source)
        self.quality += some(quality)
        self.version += some(version)
        held = range(len(way)) if places is None else places
        self.letters += [len(self.opened) - 1] * len(held)
        self.places += held

    def put_aside(self, place: int, refusal: Refusal) -> Refused:
        """Return a statement as refused row."""
        letter = self.opened[self.letters[place]]
        return letter.put_aside(self.places[place], refusal)

    def observations(
        self, ways: Sequence[Way], places: Sequence[int] | None = None
    ) -> list[Observation]:
        """Return the statements, or some of them, one by one."""
        columns = self._columns()
        if places is not None:
            columns = tuple([column[k] for k in places] for column in columns)
        return [
            _observation(ways[way].point, time, value, source, quality, version)
            for way, time, value, source, quality, version in zip(*columns, strict=True)
        ]

    def table(self, ways: Sequence[Way], *, gone: Collection[int] = ()) -> "pa.Table":
        """Return the statements, without some of them, as a table for the store."""
        import pyarrow as pa

        columns = self._columns()
        if gone:
            kept = [place for place in range(len(self.way)) if place not in gone]
            columns = tuple([column[place] for place in kept] for column in columns)
        way, time, value, source, quality, version = columns
        names = pa.array([one.point for one in ways], pa.string())
        point = pa.DictionaryArray.from_arrays(np.array(way, np.int32), names)
        return pa.table(
            {
                "point": point,
                "time": np.array(time, np.int64),
                "value": np.array(value, np.float64),
                "source": pa.array(source, pa.string()),
                "quality": np.array(quality, np.int32),
                "version": np.array(version, np.int64),
            }
        )

    def _columns(self) -> tuple[list[Any], ...]:
        """Return what makes the statements."""
        return self.way, self.time, self.value, self.source, self.quality, self.version


_new = object.__new__
_point, _time, _value, _source, _quality, _version = (
    getattr(Observation, name).__set__
    for name in ("point", "time", "value", "source", "quality", "version")
)


# The constructor of a frozen class takes twice as long as setting its slots.
def _observation(
    point: str, time: int, value: float | None, source: str, quality: int, version: int
) -> Observation:
    """Return a statement."""
    row = _new(Observation)
    _point(row, point)
    _time(row, time)
    _value(row, value)
    _source(row, source)
    _quality(row, quality)
    _version(row, version)
    return row


def row_text(row: object) -> str:
    """Return a row as text for the quarantine, cut where it is long."""
    try:
        text = json.dumps(row, default=str)
    except (TypeError, ValueError, RecursionError):
        # Numbers of thousands of digits, keys that are no text, nests without end.
        text = f"a {type(row).__name__} that cannot be shown"
    if len(text) <= ROW_LENGTH:
        return text
    return f"{text[:ROW_LENGTH]}... ({len(text)} characters)"
